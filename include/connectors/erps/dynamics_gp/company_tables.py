"""Asks a company for what its documents refer to: customers, items, stock, periods, batches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from include.connectors.erps.dynamics_gp.records import Situation
from include.connectors.erps.dynamics_gp.tables import CHUNK, Tables, casts, day_of

_PERIODS = """
select PERIODDT perioddt, PERDENDT perdendt, max(CLOSED) closed from SY40100
where SERIES = 3 and PERIODID > 0 and PERDENDT >= :day
group by PERIODDT, PERDENDT order by PERIODDT
"""
_BY_E_MAIL = """
select distinct a.Master_ID master_id from SY01200 a join RM00101 c on c.CUSTNMBR = a.Master_ID
where a.Master_Type = 'CUS' and lower(a.INET1) = :email and c.INACTIVE = 0
"""
_BY_REGISTRATION = """
select CUSTNMBR custnmbr from RM00101
where INACTIVE = 0 and TXRGNNUM <> '' and cast(:registration as varchar(25)) =
    upper(replace(replace(replace(replace(TXRGNNUM, ' ', ''), '.', ''), '-', ''), '/', ''))
"""
_NEWEST = """
select max(DOCDATE) newest from (
    select DOCDATE from SOP10100 where SOPTYPE = 2 and CUSTNMBR = cast(:customer as varchar(15))
    union all
    select DOCDATE from SOP30200 where SOPTYPE = 2 and CUSTNMBR = cast(:customer as varchar(15))
) orders
"""
_CUSTOMER = """
select c.CUSTNAME custname, c.TXRGNNUM txrgnnum, a.ADRSCODE adrscode, a.CNTCPRSN cntcprsn,
    a.ShipToName shiptoname, a.ADDRESS1 address1, a.ADDRESS2 address2, a.ADDRESS3 address3,
    a.CITY city, a.STATE state, a.ZIP zipcode, a.COUNTRY country, a.PHONE1 phnumbr1, i.INET1 inet1
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


class CompanyTables(Tables):
    """Customers, items, stock, fiscal periods, batches, set-up and error words."""

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
                return max(day, day_of(row["perioddt"]))
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

    def customers_by_registration(self, registration: str) -> list[str]:
        """Return the active customers that have a tax registration (RM00101).

        Args:
            registration: In upper case, without blanks and signs; GP's own are compared likewise.

        Returns:
            Customer numbers, sorted.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        rows = self.rows(_BY_REGISTRATION, {"registration": registration})
        return sorted(row["custnmbr"].rstrip() for row in rows)

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
        return None if newest is None else day_of(newest)

    def batch_is_busy(self, batch: str) -> bool:
        """Tell whether somebody has the batch open or is posting it.

        Args:
            batch: Id of a batch of sales entry.

        Raises:
            RemoteUnavailable: The server did not answer in time, or not at all.
        """
        statement = "select" + SITUATION.format(system=self.system_prefix)
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
            statement = _STOCK.format(items=casts("i", len(chunk), "varchar(31)"))
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
            statement = _ITEMS.format(items=casts("i", len(chunk), "varchar(31)"))
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
        statement = _CODES.format(system=self.system_prefix, codes=casts("c", len(codes), "int"))
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
