"""The T-SQL that a real GP company gets, as text, and what its answers mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import create_mock_engine, text
from sqlalchemy.exc import DBAPIError

from include.connectors.erps.dynamics_gp import sqlserver
from include.connectors.erps.dynamics_gp.calls import Call, Deadlocked, ProcedureFailed
from include.connectors.erps.dynamics_gp.documents import Translator
from include.connectors.erps.dynamics_gp.gateway import open_gateway
from include.connectors.erps.dynamics_gp.payloads import GpDocument
from include.connectors.erps.dynamics_gp.settings import DynamicsGpSettings
from include.connectors.erps.dynamics_gp.sqlserver import MAX_PARAMETERS, SqlServerSession, render
from include.domain.errors import (
    AmbiguousOutcome,
    ConfigurationError,
    Refused,
    RemoteUnavailable,
)
from tests.integration.gp_company import Maps, document, goods, payment

URL = "mssql+mssqlpython://gp:secret@sql.example.com/TWO?Encrypt=yes"

GOLDEN = """\
set nocount on; set xact_abort on; set lock_timeout 10000;
declare @rc int, @err int, @msg varchar(255), @at int;
select @at = 0, @err = 0, @msg = '';
exec @rc = taSopLineIvcInsert @I_vSOPTYPE = :p0_SOPTYPE, @I_vSOPNUMBE = :p0_SOPNUMBE,
    @O_iErrorState = @err output, @oErrString = @msg output;
if isnull(@rc, 0) <> 0 or isnull(@err, 0) <> 0 goto failed;
select @at = 1, @err = 0, @msg = '';
exec @rc = taSopHdrIvcInsert @I_vDOCAMNT = :p1_DOCAMNT, @I_vDOCDATE = :p1_DOCDATE,
    @O_iErrorState = @err output, @oErrString = @msg output;
if isnull(@rc, 0) <> 0 or isnull(@err, 0) <> 0 goto failed;
select -1, 0, 0, '';
goto done;
failed:
select @at, isnull(@rc, 0), isnull(@err, 0), isnull(@msg, '');
done:
"""
LOCK = """\
set nocount on;
declare @rc int;
exec @rc = sp_getapplock @Resource = :resource, @LockMode = 'Exclusive', @LockOwner = 'Session',
    @LockTimeout = :milliseconds;
select @rc rc,
    (select max(BCHSTTUS) from SY00500 where BCHSOURC = 'Sales Entry' and BACHNUMB = :batch)
        batch_status,
    (select count(*) from DYNAMICS..SY00800 where BCHSOURC = 'Sales Entry' and BACHNUMB = :batch)
        open_batches,
    (select count(*) from RM00101 where CUSTNMBR = :customer) customers;"""
NUMBER = """\
set nocount on; set xact_abort on;
declare @rc int, @err int, @number varchar(21);
set @number = :number;
exec @rc = taGetSopNumber @I_tSOPTYPE = :soptype, @I_cDOCID = :docid, @I_tInc_Dec = :step,
    @O_vSopNumber = @number output, @O_iErrorState = @err output;
select isnull(@rc, 0), isnull(@err, 0), @number;"""


class Row(tuple[Any, ...]):
    def one(self) -> Row:
        return self


class FakeConnection:
    """Takes statements down and answers from a list; an exception in the list is raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.ends: list[str] = []

    def execute(self, statement: Any, values: dict[str, Any]) -> Row:
        self.sent.append((str(statement), dict(values)))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Row(answer)

    def commit(self) -> None:
        self.ends.append("commit")
        if self.answers and isinstance(self.answers[0], Exception):
            raise self.answers.pop(0)

    def rollback(self) -> None:
        self.ends.append("rollback")


def database_error(words: str, *, lost: bool = False) -> DBAPIError:
    return DBAPIError("statement", {}, Exception(words), connection_invalidated=lost)


@contextmanager
def session(*answers: Any) -> Iterator[tuple[SqlServerSession, FakeConnection]]:
    gateway = open_gateway(URL, connections=2, statement_timeout=30, lock_timeout=10)
    connection = FakeConnection(*answers)
    made = SqlServerSession(gateway, connection)  # type: ignore[arg-type]
    yield made, connection
    gateway.close()


def calls_of(lines: int = 1) -> list[Call]:
    doc = document(lines=tuple(goods(line_id=str(n)) for n in range(lines)))
    payload = Translator(DynamicsGpSettings(), Maps()).prepare(doc).payload
    assert isinstance(payload, GpDocument)
    return payload.body_calls("ORDW000001", None)


def test_calls_are_rendered_as_one_batch_that_stops_at_the_first_error() -> None:
    calls = [
        Call("taSopLineIvcInsert", {"SOPTYPE": 2, "SOPNUMBE": "ORDW000001"}),
        Call("taSopHdrIvcInsert", {"DOCAMNT": Decimal("34.12"), "DOCDATE": date(2026, 11, 20)}),
    ]
    ((batch, values, first),) = render(calls, 10_000)
    assert batch == GOLDEN
    assert first == 0
    assert values == {
        "p0_SOPTYPE": 2,
        "p0_SOPNUMBE": "ORDW000001",
        "p1_DOCAMNT": Decimal("34.12"),
        "p1_DOCDATE": date(2026, 11, 20),
    }


def test_no_value_is_ever_in_the_text() -> None:
    for batch, values, _ in render(calls_of(3), 10_000):
        assert "Ann" not in batch
        assert "#1001" not in batch
        assert set(re.findall(r":(p\d+_\w+)", batch)) == set(values)


def test_the_text_compiles_for_the_driver_with_every_parameter_bound() -> None:
    engine = create_mock_engine(URL, lambda *_: None)
    ((batch, values, _),) = render(calls_of(), 10_000)
    compiled = text(batch).bindparams(**values).compile(dialect=engine.dialect)
    assert set(compiled.params) == set(values)


def test_a_document_of_many_lines_is_split_within_the_servers_parameter_limit() -> None:
    calls = calls_of(400)
    batches = list(render(calls, 10_000))
    assert len(batches) > 1
    assert all(len(values) <= MAX_PARAMETERS for _, values, _ in batches)
    assert sum(batch.count("exec @rc = ") for batch, _, _ in batches) == len(calls)
    assert next(first for _, _, first in batches) == 0
    assert "taSopHdrIvcInsert" in batches[-1][0]
    assert all("taSopHdrIvcInsert" not in batch for batch, _, _ in batches[:-1])


def test_a_document_is_one_transaction_committed_after_its_last_batch() -> None:
    calls = calls_of(400)
    batches = len(list(render(calls, 10_000)))
    with session(*[(-1, 0, 0, "")] * batches) as (made, connection):
        made.post(calls)
        assert len(connection.sent) == batches
        assert connection.ends == ["commit"]


def test_an_error_state_names_the_call_and_rolls_everything_back() -> None:
    calls = calls_of(2)
    with session((1, 1, 4776, "4776 2902 ")) as (made, connection):
        with pytest.raises(ProcedureFailed) as failed:
            made.post(calls)
        assert connection.ends == ["rollback"]
    assert (failed.value.procedure, failed.value.position) == ("taSopLineIvcInsert", 1)
    assert failed.value.numbers == [4776, 2902]


def test_the_lock_asks_for_the_reference_and_reads_batch_and_customer_beside_it() -> None:
    with session((0, 0, 0, 1)) as (made, connection):
        situation = made.lock("WEBORD:#1001", "SHOP20261120", "W4711")
        ((statement, values),) = connection.sent
    assert statement == LOCK
    assert values == {
        "resource": "WEBORD:#1001",
        "milliseconds": 10_000,
        "batch": "SHOP20261120",
        "customer": "W4711",
    }
    assert (situation.batch_exists, situation.batch_busy, situation.customer_exists) == (
        True,
        False,
        True,
    )


def test_a_lock_that_another_session_keeps_is_for_later() -> None:
    with session((-1, None, 0, 0)) as (made, _), pytest.raises(RemoteUnavailable, match="same ref"):
        made.lock("WEBORD:#1001", "SHOP20261120", "W4711")


def test_numbers_are_taken_with_1_and_given_back_with_0() -> None:
    with session((0, 0, "ORDW000009           "), (0, 0, "ORDW000009")) as (made, connection):
        assert made.take_number(2, "WEBORD") == "ORDW000009"
        made.give_number_back(2, "WEBORD", "ORDW000009")
        assert [statement for statement, _ in connection.sent] == [NUMBER, NUMBER]
        assert [values["step"] for _, values in connection.sent] == [1, 0]
        assert connection.sent[1][1]["number"] == "ORDW000009"
        assert connection.ends == ["commit", "commit"]


def test_a_commit_without_an_answer_is_ambiguous() -> None:
    with (
        session((-1, 0, 0, ""), database_error("Communication link failure", lost=True)) as (
            made,
            _,
        ),
        pytest.raises(AmbiguousOutcome),
    ):
        made.post(calls_of())


def test_a_connection_lost_before_the_commit_is_for_later() -> None:
    with session(database_error("Communication link failure", lost=True)) as (made, connection):
        with pytest.raises(RemoteUnavailable) as later:
            made.post(calls_of())
        assert not isinstance(later.value, AmbiguousOutcome)
        assert connection.ends == []


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("Transaction (Process ID 54) was deadlocked on lock resources", Deadlocked),
        ("[SQL Server] error 1205", Deadlocked),
        ("Query timeout expired HYT00", RemoteUnavailable),
        ("Lock request time out period exceeded. (1222)", RemoteUnavailable),
        ("Communication link failure 08S01", RemoteUnavailable),
        ("Could not find stored procedure 'taSopHdrIvcInsert'.", ConfigurationError),
        ("Invalid object name 'SOP10100'.", ConfigurationError),
        ("Login failed for user 'gp'.", ConfigurationError),
        ("@I_vCOLOUR is not a parameter for procedure taSopLineIvcInsert.", ConfigurationError),
        ("Arithmetic overflow error converting numeric to data type numeric.", Refused),
    ],
)
def test_what_the_driver_says_becomes_an_error_by_recovery(
    words: str, error: type[Exception]
) -> None:
    with session(database_error(words)) as (made, connection), pytest.raises(error) as raised:
        made.post(calls_of())
    assert type(raised.value) is error
    assert connection.ends == ["rollback"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            "String or binary data would be truncated in table 'TWO.dbo.RM00101', column"
            " 'CUSTNAME'. Truncated value: 'Kim O''Neil, 12 Main St'.",
            "column 'CUSTNAME'. Truncated value: ***.",
        ),
        (
            "Conversion failed when converting the varchar value 'Kim O''Neil' to data type int.",
            "converting the varchar value *** to data type int.",
        ),
        (
            "Violation of PRIMARY KEY constraint 'PKRM00101'. Cannot insert duplicate key in object"
            " 'dbo.RM00101'. The duplicate key value is (Kim O'Neil).",
            "The duplicate key value is ***.",
        ),
    ],
)
def test_a_value_that_the_server_repeats_is_left_out_of_the_reason(words: str, told: str) -> None:
    with session(database_error(words)) as (made, _), pytest.raises(Refused) as refused:
        made.post(calls_of())
    assert str(refused.value).endswith(told)
    assert "Kim" not in f"{refused.value} {refused.value.remote}"


def test_look_ups_cast_our_side_so_that_gps_indexes_serve() -> None:
    sent: list[str] = []

    class Listening(SqlServerSession):
        def rows(self, statement: str, values: Any) -> Any:
            sent.append(statement)
            return []

    gateway = open_gateway(URL, connections=1, statement_timeout=1, lock_timeout=1)
    made = Listening(gateway, FakeConnection())  # type: ignore[arg-type]
    made.documents(["#1", "#2"], ["WEBORD"])
    made.error_words([67])
    gateway.close()
    assert "h.CSTPONBR in (cast(:r0 as varchar(21)), cast(:r1 as varchar(21)))" in sent[0]
    assert "from SOP10100 h" in sent[0]
    assert "union all" in sent[0]
    assert "from SOP30200 h" in sent[0]
    assert "from DYNAMICS..taErrorCode" in sent[1]


def test_the_engine_limits_connections_and_statements() -> None:
    gateway = open_gateway(URL, connections=3, statement_timeout=7, lock_timeout=1)
    assert gateway.engine.pool.size() == 3  # type: ignore[attr-defined]
    assert gateway.engine.dialect.driver == "mssqlpython"
    assert sqlserver.SqlServerGateway.system_prefix == "DYNAMICS.."
    gateway.close()


def test_payments_are_bound_like_everything_else() -> None:
    doc = document(payments=(payment("5.00"),))
    payload = Translator(DynamicsGpSettings(), Maps()).prepare(doc).payload
    assert isinstance(payload, GpDocument)
    ((batch, values, _),) = render(payload.body_calls("X", None), 1)
    assert "exec @rc = taCreateSopPaymentInsertRecord @I_vSOPTYPE = :p1_SOPTYPE" in batch
    assert values["p1_DOCAMNT"] == Decimal("5.00")
