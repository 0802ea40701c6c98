"""The way into a GP company database: one interface, one implementation per database server.

Look-ups are plain SQL that both servers read (GP's own names in upper case: its databases may
compare names by case, PostgreSQL folds them). What differs is how procedures are called, how a
reference is locked and how errors are told apart; that is in ``sqlserver.py`` and ``postgres.py``.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple, NoReturn

from sqlalchemy import URL, Connection, Engine, RowMapping, make_url, text
from sqlalchemy.exc import DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from include.connectors.erps.dynamics_gp.econnect.fields import Value
from include.domain.errors import ConfigurationError, CounterfoilError, RemoteUnavailable

# Neither driver tells a number when a connection is refused.
LOGIN_REFUSED = re.compile(
    r"login failed|cannot open database|authentication failed|no password supplied|"
    r"(role|database) \S+ does not exist",
    re.IGNORECASE,
)
CHUNK = 400  # references in one look-up; SQL Server takes at most 2,100 parameters a batch


class Call(NamedTuple):
    """One procedure call: its name and its parameters without ``@I_v``."""

    procedure: str
    parameters: Mapping[str, Value]


class ProcedureFailed(CounterfoilError):
    """A procedure answered with an error state; nothing of its document was kept.

    Args:
        procedure: The procedure that refused.
        code: ``@O_iErrorState``.
        codes: ``@oErrString``: every code it collected, space-separated.
        position: Index of the call among those that were sent together.
    """

    def __init__(self, procedure: str, code: int, codes: str, position: int) -> None:
        super().__init__(f"{procedure} answered error state {code}")
        self.procedure = procedure
        self.code = code
        self.codes = codes
        self.position = position

    @property
    def numbers(self) -> list[int]:
        """The error state and every further code of the error string, each once."""
        further = [int(part) for part in self.codes.split() if part.isdigit()]
        return list(dict.fromkeys([self.code, *further]))


class Deadlocked(RemoteUnavailable):
    """The server chose this transaction to end a deadlock; it was rolled back as a whole."""


@dataclass(frozen=True, slots=True)
class SopDocument:
    """A sales document as GP's own tables show it."""

    in_history: bool
    soptype: int
    sopnumbe: str
    docid: str
    cstponbr: str
    docamnt: Decimal
    curncyid: str
    voided: bool
    lines: int
    paid: Decimal
    back_ordered: Decimal
    batch: str
    customer: str
    document_on: date
    mark: str
    transferred: bool

    def is_of(self, soptype: int, docid: str, reference: str) -> bool:
        """Tell whether it is the document that a reference names.

        Args:
            soptype: GP's type: 2 order, 3 invoice, 4 return.
            docid: Document id of that type.
            reference: What CSTPONBR has to hold.
        """
        return (self.soptype, self.docid, self.cstponbr) == (soptype, docid, reference)


@dataclass(frozen=True, slots=True)
class HeldLine:
    """A line of a document in work."""

    sequence: int
    item: str
    mark: str
    ordered: Decimal
    cancelled: Decimal
    transferred: Decimal
    site: str
    unit_of_measure: str
    currency: str
    non_inventory: bool
    description: str

    @property
    def left(self) -> Decimal:
        """Units that are neither cancelled nor transferred to an invoice."""
        return self.ordered - self.cancelled - self.transferred


@dataclass(frozen=True, slots=True)
class HeldTax:
    """A tax of a document in work; sequence 0 is the document's own."""

    sequence: int
    detail: str


@dataclass(frozen=True, slots=True)
class HeldPayment:
    """A payment of a document, in work or in history."""

    soptype: int
    sopnumbe: str
    sequence: int
    kind: int
    number: str
    mark: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class HeldReceipt:
    """A cash receipt, in work, open or settled."""

    number: str
    amount: Decimal
    is_posted: bool


@dataclass(frozen=True, slots=True)
class HeldDocument:
    """A document in work with all that a change of it has to know."""

    document: SopDocument
    lines: tuple[HeldLine, ...]
    taxes: tuple[HeldTax, ...]
    payments: tuple[HeldPayment, ...]


@dataclass(frozen=True, slots=True)
class Situation:
    """What a document meets in the company before it is posted."""

    batch_exists: bool
    batch_busy: bool
    customer_exists: bool


_DOCUMENTS = """
select {place} in_history, h.SOPTYPE soptype, h.SOPNUMBE sopnumbe, h.DOCID docid,
    h.CSTPONBR cstponbr, h.DOCAMNT docamnt, h.CURNCYID curncyid, h.VOIDSTTS voidstts,
    h.BACHNUMB batch, h.CUSTNMBR customer, h.DOCDATE docdate, h.INTEGRATIONID mark,
    (select count(*) from {lines} l where l.SOPTYPE = h.SOPTYPE and l.SOPNUMBE = h.SOPNUMBE
        and l.CMPNTSEQ = 0 and l.QUANTITY > l.QTYCANCE) line_count,
    (select coalesce(max(l.QTYPRINV), 0) from {lines} l where l.SOPTYPE = h.SOPTYPE
        and l.SOPNUMBE = h.SOPNUMBE) transferred,
    (select coalesce(sum(p.AMNTPAID), 0) from SOP10103 p where p.SOPTYPE = h.SOPTYPE
        and p.SOPNUMBE = h.SOPNUMBE) paid,
    (select coalesce(sum(l.QTYTBAOR), 0) from {lines} l where l.SOPTYPE = h.SOPTYPE
        and l.SOPNUMBE = h.SOPNUMBE) back_ordered
from {headers} h
where {references} and h.DOCID in ({document_ids})
"""
_LINES = """
select LNITMSEQ lnitmseq, ITEMNMBR itemnmbr, INTEGRATIONID mark, QUANTITY quantity,
    QTYCANCE qtycance, QTYPRINV qtyprinv, LOCNCODE locncode, UOFM uofm, CURNCYID curncyid,
    NONINVEN noninven, ITEMDESC itemdesc
from SOP10200
where SOPTYPE = :soptype and SOPNUMBE = cast(:number as varchar(21)) and CMPNTSEQ = 0
order by LNITMSEQ
"""
_SHORT = """
select INTEGRATIONID mark, sum(QTYTBAOR) units from SOP10200
where SOPTYPE = 2 and SOPNUMBE = cast(:number as varchar(21)) and CMPNTSEQ = 0
group by INTEGRATIONID
"""
_TAXES = """
select LNITMSEQ lnitmseq, TAXDTLID taxdtlid from SOP10105
where SOPTYPE = :soptype and SOPNUMBE = cast(:number as varchar(21))
order by LNITMSEQ, TAXDTLID
"""
_PAYMENTS = """
select SOPTYPE soptype, SOPNUMBE sopnumbe, SEQNUMBR seqnumbr, PYMTTYPE pymttype, DOCNUMBR docnumbr,
    AUTHCODE mark, AMNTPAID amntpaid
from SOP10103 where SOPNUMBE in ({numbers}) order by SOPTYPE, SOPNUMBE, SEQNUMBR
"""
_RECEIPTS = """
select DOCNUMBR docnumbr, ORTRXAMT ortrxamt, 0 posted from RM10201 where {numbers}
union all select DOCNUMBR, ORTRXAMT, 1 from RM20101
    where RMDTYPAL = 9 and VOIDSTTS = 0 and {numbers}
union all select DOCNUMBR, ORTRXAMT, 1 from RM30101
    where RMDTYPAL = 9 and VOIDSTTS = 0 and {numbers}
order by 1
"""
_OPEN_AMOUNT = """
select CURTRXAM curtrxam from RM20101
where RMDTYPAL = 1 and VOIDSTTS = 0 and DOCNUMBR = cast(:number as varchar(21))
"""
_PERIODS = """
select PERIODDT perioddt, PERDENDT perdendt, max(CLOSED) closed from SY40100
where SERIES = 3 and PERIODID > 0 and PERDENDT >= :day
group by PERIODDT, PERDENDT order by PERIODDT
"""
_BY_E_MAIL = """
select distinct a.Master_ID master_id from SY01200 a join RM00101 c on c.CUSTNMBR = a.Master_ID
where a.Master_Type = 'CUS' and lower(a.INET1) = :email and c.INACTIVE = 0
"""
_NEWEST = """
select max(DOCDATE) newest from (
    select DOCDATE from SOP10100 where SOPTYPE = 2 and CUSTNMBR = cast(:customer as varchar(15))
    union all
    select DOCDATE from SOP30200 where SOPTYPE = 2 and CUSTNMBR = cast(:customer as varchar(15))
) orders
"""
_CUSTOMER = """
select c.CUSTNAME custname, a.ADRSCODE adrscode, a.CNTCPRSN cntcprsn, a.ShipToName shiptoname,
    a.ADDRESS1 address1, a.ADDRESS2 address2, a.ADDRESS3 address3, a.CITY city, a.STATE state,
    a.ZIP zipcode, a.COUNTRY country, a.PHONE1 phnumbr1, i.INET1 inet1
from RM00101 c left join RM00102 a on a.CUSTNMBR = c.CUSTNMBR
    left join SY01200 i on i.Master_Type = 'CUS' and i.Master_ID = c.CUSTNMBR
        and i.ADRSCODE = a.ADRSCODE
where c.CUSTNMBR = :customer
"""
SITUATION = """
    (select max(BCHSTTUS) from SY00500 where BCHSOURC = 'Sales Entry' and BACHNUMB = :batch)
        batch_status,
    (select count(*) from {system}SY00800 where BCHSOURC = 'Sales Entry' and BACHNUMB = :batch)
        open_batches,
    (select count(*) from RM00101 where CUSTNMBR = :customer) customers"""
_STOCK = """
select q.ITEMNMBR itemnmbr, q.LOCNCODE locncode, q.QTYONHND - q.ATYALLOC free
from IV00102 q join IV00101 i on i.ITEMNMBR = q.ITEMNMBR
where q.RCRDTYPE = 2 and i.ITEMTYPE in (1, 2) and q.ITEMNMBR in ({items})
"""
_ITEMS = "select ITEMNMBR itemnmbr from IV00101 where ITEMNMBR in ({items})"
_CODES = """
select ErrorCode errorcode, ErrorDesc errordesc from {system}taErrorCode
where ErrorCode in ({codes})
"""


class Session(ABC):
    """One connection, for one document or one question."""

    def __init__(self, gateway: Gateway, connection: Connection) -> None:
        self.gateway = gateway
        self.connection = connection

    @abstractmethod
    def lock(self, resource: str, batch: str, customer: str) -> Situation:
        """Own a name until it is given back; wait for whoever owns it, up to the lock time-out.

        What is read beside it saves an answer's time: each counts when the server is far away.

        Args:
            resource: The name, such as a reference.
            batch: Batch of sales entry that is looked at beside it.
            customer: Customer number that is looked at beside it.

        Returns:
            Whether batch and customer exist, and whether somebody has the batch open.

        Raises:
            RemoteUnavailable: Another session kept it for too long.
        """

    @abstractmethod
    def unlock(self, resource: str) -> None:
        """Give the name back.

        Args:
            resource: The name that ``lock`` took.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """

    @abstractmethod
    def take_number(self, soptype: int, docid: str) -> str:
        """Take the next document number, committed at once.

        Args:
            soptype: GP's type: 2 order, 3 invoice, 4 return.
            docid: Document id that numbers it.

        Raises:
            ProcedureFailed: GP has no next number for the document id.
        """

    @abstractmethod
    def give_number_back(self, soptype: int, docid: str, number: str) -> None:
        """Give a number back that no document came to use.

        Args:
            soptype: GP's type: 2 order, 3 invoice, 4 return.
            docid: Document id that numbers it.
            number: What ``take_number`` gave.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """

    @abstractmethod
    def post(self, calls: Sequence[Call]) -> None:
        """Run the calls of one document in order, as one transaction, and commit it.

        Args:
            calls: eConnect's procedures with their parameters, the header's last.

        Raises:
            ProcedureFailed: A procedure refused; everything was rolled back.
            RemoteUnavailable: The server could not; everything was rolled back.
            AmbiguousOutcome: The connection broke when the commit may have happened.
            Refused: A value does not fit a column.
        """

    def documents(
        self, references: Sequence[str], docids: Sequence[str], *, with_later: bool = False
    ) -> list[SopDocument]:
        """Look sales documents up in work and history by their customer PO number.

        Args:
            references: What CSTPONBR holds.
            docids: Document ids that are ours.
            with_later: Find the later documents of the same orders, too (``#1001/2``).

        Returns:
            Documents in no order; amounts in functional currency.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        found: list[SopDocument] = []
        for start in range(0, len(references), CHUNK):
            chunk = references[start : start + CHUNK]
            values: dict[str, Any] = {f"r{i}": value for i, value in enumerate(chunk)}
            values |= {f"d{i}": value for i, value in enumerate(docids)}
            # Cast on our side, or SQL Server converts the column and cannot use an index.
            wanted = f"h.CSTPONBR in ({_casts('r', len(chunk), 'varchar(21)')})"
            if with_later:
                values |= {f"l{i}": _like(value) for i, value in enumerate(chunk)}
                likes = (
                    f"h.CSTPONBR like cast(:l{i} as varchar(50)) escape '!'"
                    for i in range(len(chunk))
                )
                wanted = f"({wanted} or {' or '.join(likes)})"
            casts = {
                "references": wanted,
                "document_ids": _casts("d", len(docids), "varchar(15)"),
            }
            work = _DOCUMENTS.format(place=0, headers="SOP10100", lines="SOP10200", **casts)
            past = _DOCUMENTS.format(place=1, headers="SOP30200", lines="SOP30300", **casts)
            found += [_sop_document(row) for row in self.rows(f"{work} union all {past}", values)]
        return found

    def held(self, document: SopDocument) -> HeldDocument:
        """Read a document in work with its lines, taxes and payments.

        Args:
            document: What ``documents`` found.

        Returns:
            The document with its lines, taxes and payments, in their order.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        values = {"soptype": document.soptype, "number": document.sopnumbe}
        lines = tuple(
            HeldLine(
                sequence=int(row["lnitmseq"]),
                item=row["itemnmbr"].rstrip(),
                mark=row["mark"].rstrip(),
                ordered=row["quantity"],
                cancelled=row["qtycance"],
                transferred=row["qtyprinv"],
                site=row["locncode"].rstrip(),
                unit_of_measure=row["uofm"].rstrip(),
                currency=row["curncyid"].rstrip(),
                non_inventory=bool(row["noninven"]),
                description=row["itemdesc"].rstrip(),
            )
            for row in self.rows(_LINES, values)
        )
        taxes = tuple(
            HeldTax(int(row["lnitmseq"]), row["taxdtlid"].rstrip())
            for row in self.rows(_TAXES, values)
        )
        payments = (p for p in self.payments([document.sopnumbe]) if p.soptype == document.soptype)
        return HeldDocument(document, lines, taxes, tuple(payments))

    def payments(self, numbers: Sequence[str]) -> list[HeldPayment]:
        """Read the payments of documents by their numbers.

        Args:
            numbers: What SOPNUMBE holds.

        Returns:
            Payments of orders, invoices and returns, in the currency of their document.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        found: list[HeldPayment] = []
        for start in range(0, len(numbers), CHUNK):
            chunk = numbers[start : start + CHUNK]
            statement = _PAYMENTS.format(numbers=_casts("n", len(chunk), "varchar(21)"))
            found += [
                HeldPayment(
                    soptype=int(row["soptype"]),
                    sopnumbe=row["sopnumbe"].rstrip(),
                    sequence=int(row["seqnumbr"]),
                    kind=int(row["pymttype"]),
                    number=row["docnumbr"].rstrip(),
                    mark=row["mark"].rstrip(),
                    amount=row["amntpaid"],
                )
                for row in self.rows(statement, {f"n{i}": n for i, n in enumerate(chunk)})
            ]
        return found

    def short(self, order: str) -> dict[str, Decimal]:
        """Return what waits for stock on an order in work, by the mark of its lines.

        Args:
            order: Number of a sales order.

        Returns:
            Units back-ordered (QTYTBAOR), by INTEGRATIONID; 0 where a line waits for none.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        return {row["mark"].rstrip(): row["units"] for row in self.rows(_SHORT, {"number": order})}

    def receipts(self, numbers: Sequence[str], rest: str = ".%") -> list[HeldReceipt]:
        """Read cash receipts by their numbers, with those that count on from them (``#1/P1.2``).

        Args:
            numbers: What DOCNUMBR is, or begins with.
            rest: Pattern of what may follow.

        Returns:
            Receipts by number; amounts in functional currency.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        found: list[HeldReceipt] = []
        for start in range(0, len(numbers), CHUNK):
            chunk = numbers[start : start + CHUNK]
            values: dict[str, Any] = {f"n{i}": number for i, number in enumerate(chunk)}
            values |= {f"l{i}": _like(number, rest) for i, number in enumerate(chunk)}
            likes = (
                f"DOCNUMBR like cast(:l{i} as varchar(50)) escape '!'" for i in range(len(chunk))
            )
            wanted = f"DOCNUMBR in ({_casts('n', len(chunk), 'varchar(21)')})"
            statement = _RECEIPTS.format(numbers=f"({wanted} or {' or '.join(likes)})")
            found += [
                HeldReceipt(row["docnumbr"].rstrip(), row["ortrxamt"], bool(row["posted"]))
                for row in self.rows(statement, values)
            ]
        return found

    def open_amount(self, invoice: str) -> Decimal:
        """Return what a posted invoice is still open for in receivables; nothing if it is not.

        Args:
            invoice: Number of an invoice.

        Returns:
            CURTRXAM of RM20101, in functional currency.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        rows = self.rows(_OPEN_AMOUNT, {"number": invoice})
        return rows[0]["curtrxam"] if rows else Decimal(0)

    def cash_batch_exists(self, batch: str) -> bool:
        """Tell whether there is a batch of cash receipts (SY00500).

        Args:
            batch: Its id (BACHNUMB).

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        statement = (
            "select count(*) found from SY00500 where BCHSOURC = 'RM_Cash' and BACHNUMB = :batch"
        )
        return bool(self.rows(statement, {"batch": batch})[0]["found"])

    def first_open_on(self, day: date) -> date | None:
        """Return the day itself or the first day of the next open sales period (SY40100).

        Args:
            day: A document's date.

        Returns:
            ``None`` if no later period is set up and open.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        for row in self.rows(_PERIODS, {"day": day}):
            if not row["closed"]:
                return max(day, _day(row["perioddt"]))
        return None

    def customers_by_e_mail(self, email: str) -> list[str]:
        """Return the active customers that an e-mail address belongs to (SY01200).

        Args:
            email: In any case.

        Returns:
            Customer numbers, sorted.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        rows = self.rows(_BY_E_MAIL, {"email": email.lower()})
        return sorted(row["master_id"].rstrip() for row in rows)

    def customer(self, number: str) -> dict[str, dict[str, str]]:
        """Return name, e-mail and address fields of a customer, by address code.

        Args:
            number: Customer number (CUSTNMBR).

        Returns:
            GP's field names in upper case, without trailing blanks; none for an unknown customer.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        return {
            (row["adrscode"] or "").rstrip(): {
                name.upper(): str(value or "").rstrip() for name, value in row.items()
            }
            for row in self.rows(_CUSTOMER, {"customer": number})
        }

    def newest_order_on(self, customer: str) -> date | None:
        """Return the date of the newest order that GP has of a customer.

        Args:
            customer: Customer number.

        Returns:
            ``None`` if it has none.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        newest = self.rows(_NEWEST, {"customer": customer})[0]["newest"]
        return None if newest is None else _day(newest)

    def batch_is_busy(self, batch: str) -> bool:
        """Tell whether somebody has the batch open or is posting it.

        Args:
            batch: Id of a batch of sales entry.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        statement = "select" + SITUATION.format(system=self.gateway.system_prefix)
        row = self.rows(statement, {"batch": batch, "customer": ""})[0]
        return situation_of(row["batch_status"], row["open_batches"], 0).batch_busy

    def free_stock(self, items: Sequence[str]) -> dict[tuple[str, str], Decimal]:
        """Return units on hand less units allocated, by item and site.

        Args:
            items: Item numbers.

        Returns:
            Units in the base unit of measure; an item that is not stocked is missing.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        free: dict[tuple[str, str], Decimal] = {}
        for start in range(0, len(items), CHUNK):
            chunk = items[start : start + CHUNK]
            statement = _STOCK.format(items=_casts("i", len(chunk), "varchar(31)"))
            for row in self.rows(statement, {f"i{n}": item for n, item in enumerate(chunk)}):
                free[row["itemnmbr"].rstrip(), row["locncode"].rstrip()] = row["free"]
        return free

    def items(self, numbers: Sequence[str]) -> set[str]:
        """Return those of the item numbers that the company has.

        Args:
            numbers: Item numbers.

        Returns:
            The known ones.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        found: set[str] = set()
        for start in range(0, len(numbers), CHUNK):
            chunk = numbers[start : start + CHUNK]
            statement = _ITEMS.format(items=_casts("i", len(chunk), "varchar(31)"))
            rows = self.rows(statement, {f"i{n}": item for n, item in enumerate(chunk)})
            found.update(row["itemnmbr"].rstrip() for row in rows)
        return found

    def error_words(self, codes: Sequence[int]) -> dict[int, str]:
        """Return GP's own words for error codes, where taErrorCode has them.

        Args:
            codes: Error states of a procedure.

        Returns:
            ErrorDesc by code; a code without words is missing.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        statement = _CODES.format(
            system=self.gateway.system_prefix, codes=_casts("c", len(codes), "int")
        )
        rows = self.rows(statement, {f"c{i}": code for i, code in enumerate(codes)})
        return {int(row["errorcode"]): row["errordesc"].rstrip() for row in rows}

    def missing(self, table: str, column: str, value: str) -> bool:
        """Tell whether a set-up table lacks a value; table and column are GP's own names.

        Args:
            table: A set-up table of GP's.
            column: Its key.
            value: What the channel names.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        # Neither comes from outside: preflight names them.
        statement = f"select count(*) found from {table} where {column} = :value"  # noqa: S608
        return not self.rows(statement, {"value": value})[0]["found"]

    def rows(self, statement: str, values: Mapping[str, Any]) -> Sequence[RowMapping]:
        """Run one query in a transaction of its own.

        Args:
            statement: SQL that both servers read.
            values: Its bound parameters.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        try:
            found = self.connection.execute(text(statement), dict(values)).mappings().all()
            self.connection.commit()
        except DBAPIError as error:
            self.fail(error)
        return found

    def fail(self, error: DBAPIError) -> NoReturn:
        """Raise what a database error means for the caller, when nothing can have been kept.

        Args:
            error: As the driver raised it.

        Raises:
            RemoteUnavailable: The connection was lost, or the server could not.
            CounterfoilError: Anything else, by its meaning.
        """
        if error.connection_invalidated:
            raise RemoteUnavailable(
                "the connection to the GP company database was lost",
                system=self.gateway.name,
                status=self.gateway.state_of(error),
            ) from error
        raise self.gateway.meaning(error) from error


class Gateway(ABC):
    """Connections to one company database.

    Args:
        engine: Where the connections come from.
        lock_timeout: Seconds to wait for a lock.
    """

    session_class: type[Session]
    system_prefix: str

    def __init__(self, engine: Engine, lock_timeout: float) -> None:
        self.engine = engine
        self.lock_timeout = lock_timeout
        self.name = f"{engine.url.host or 'local'}/{engine.url.database}"

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Borrow a connection.

        Raises:
            ConfigurationError: The server refuses the login, or has no such database.
            RemoteUnavailable: The server cannot be reached, or every connection is in use.
        """
        try:
            connection = self.engine.connect()
        except (DBAPIError, PoolTimeout) as error:
            if isinstance(error, DBAPIError) and LOGIN_REFUSED.search(str(error.orig)):
                raise ConfigurationError(
                    "the GP company database refuses the connection's login: check its login, "
                    "password and database"
                ) from error
            raise RemoteUnavailable(
                f"no connection to the GP company database: {type(error).__name__}",
                system=self.name,
            ) from error
        with connection:
            yield self.session_class(self, connection)

    @contextmanager
    def locked(
        self, resource: str, batch: str, customer: str
    ) -> Iterator[tuple[Session, Situation]]:
        """Borrow a connection that owns a name; a connection that cannot give it back is closed.

        Args:
            resource: The name, such as a reference.
            batch: Batch whose state is told beside it.
            customer: Customer whose existence is told beside it.

        Yields:
            The session and what it met.

        Raises:
            ConfigurationError: The server refuses the login, or has no such database.
            RemoteUnavailable: The server cannot be reached, or another session kept the name.
        """
        with self.session() as session:
            try:
                yield session, session.lock(resource, batch, customer)
            finally:
                self._release(session, resource)

    @contextmanager
    def locked_too(self, session: Session, resource: str, customer: str) -> Iterator[Situation]:
        """Own a further name on the same connection; always after the document's own.

        Args:
            session: Owns the document's name already.
            resource: The further name.
            customer: Customer whose existence is told beside it.

        Yields:
            What the session met.

        Raises:
            RemoteUnavailable: Another session kept the name for too long.
        """
        try:
            yield session.lock(resource, "", customer)
        finally:
            self._release(session, resource)

    def _release(self, session: Session, resource: str) -> None:
        connection = session.connection
        if connection.invalidated:
            return
        try:
            connection.rollback()
            session.unlock(resource)
        except (DBAPIError, RemoteUnavailable) as error:
            # Closing the connection ends the server's session, and its locks with it.
            connection.invalidate(error)

    @abstractmethod
    def meaning(self, error: DBAPIError) -> CounterfoilError:
        """Translate a database error after which nothing was kept.

        Args:
            error: As the driver raised it.

        Returns:
            The error by what recovers from it: retry, hold the order, or tell a person.
        """

    @abstractmethod
    def state_of(self, error: DBAPIError) -> str | None:
        """Return the SQLSTATE or error number, if the driver tells.

        Args:
            error: As the driver raised it.
        """

    def close(self) -> None:
        """Close every idle connection."""
        self.engine.dispose()


def situation_of(batch_status: object, open_batches: object, customers: object) -> Situation:
    """Read the columns of ``SITUATION``.

    Args:
        batch_status: BCHSTTUS of SY00500; ``None`` without such a batch.
        open_batches: Rows of SY00800 that name the batch.
        customers: Rows of RM00101 with the number.
    """
    return Situation(
        batch_exists=batch_status is not None,
        batch_busy=bool(batch_status) or bool(open_batches),
        customer_exists=bool(customers),
    )


def _like(reference: str, rest: str = "/%") -> str:
    return re.sub(r"([!%_\[])", r"!\1", reference) + rest


def _day(value: date | datetime) -> date:
    return value.date() if isinstance(value, datetime) else value


def _casts(prefix: str, count: int, kind: str) -> str:
    return ", ".join(f"cast(:{prefix}{i} as {kind})" for i in range(count))


def _sop_document(row: RowMapping) -> SopDocument:
    return SopDocument(
        in_history=bool(row["in_history"]),
        soptype=int(row["soptype"]),
        sopnumbe=row["sopnumbe"].rstrip(),
        docid=row["docid"].rstrip(),
        cstponbr=row["cstponbr"].rstrip(),
        docamnt=row["docamnt"],
        curncyid=row["curncyid"].rstrip(),
        voided=bool(row["voidstts"]),
        lines=int(row["line_count"]),
        paid=row["paid"],
        back_ordered=row["back_ordered"],
        batch=row["batch"].rstrip(),
        customer=row["customer"].rstrip(),
        document_on=_day(row["docdate"]),
        mark=row["mark"].rstrip(),
        transferred=bool(row["transferred"]),
    )


def open_gateway(
    url: str | URL, *, connections: int, statement_timeout: float, lock_timeout: float
) -> Gateway:
    """Open the gateway that speaks the URL's dialect. Connects only when it is used.

    Args:
        url: SQLAlchemy URL: ``mssql+mssqlpython://...`` for a GP company, ``postgresql+psycopg://...``
            for the sandbox company.
        connections: Most connections at the same time.
        statement_timeout: Seconds a statement may take.
        lock_timeout: Seconds to wait for a lock.

    Raises:
        ConfigurationError: The dialect is neither, or its driver is not installed.
    """
    # Imported here: each loads its own driver, and a worker has the one it needs.
    parsed = make_url(url)
    dialect = parsed.get_backend_name()
    try:
        if dialect == "mssql":
            from include.connectors.erps.dynamics_gp import sqlserver

            return sqlserver.open_gateway(parsed, connections, statement_timeout, lock_timeout)
        if dialect == "postgresql":
            from include.connectors.erps.dynamics_gp import postgres

            return postgres.open_gateway(parsed, connections, statement_timeout, lock_timeout)
    except (ImportError, NoSuchModuleError) as error:
        raise ConfigurationError(
            f"the driver of {parsed.drivername} is not installed: {error}"
        ) from error
    raise ConfigurationError(
        f"a GP company database is mssql (or postgresql for the sandbox), not {dialect!r}"
    )
