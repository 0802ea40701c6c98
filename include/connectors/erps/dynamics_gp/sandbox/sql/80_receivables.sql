-- Receivables: what a posted invoice leaves open, cash receipts in work, and what is applied to what.
create table rm10201 (
    bachnumb varchar(15) not null,
    bchsourc varchar(15) not null default 'RM_Cash',
    custnmbr varchar(15) not null references rm00101,
    docnumbr varchar(21) primary key,
    docdate date not null,
    glpostdt date not null,
    cshrctyp smallint not null check (cshrctyp between 0 and 2),
    ortrxamt numeric(19, 5) not null,
    curtrxam numeric(19, 5) not null,
    chekbkid varchar(15) not null default '',
    cheknmbr varchar(21) not null default '',
    crcardid varchar(15) not null default '',
    trxdscrn varchar(31) not null default '',
    curncyid varchar(15) not null default ''
);
comment on table rm10201 is 'RM10201 Cash receipts in work; cshrctyp 0 = check, 1 = cash, 2 = card; curtrxam = what is not applied yet.';

create table rm20101 (
    custnmbr varchar(15) not null references rm00101,
    rmdtypal smallint not null,
    docnumbr varchar(21) not null,
    docdate date not null,
    glpostdt date not null,
    ortrxamt numeric(19, 5) not null,
    curtrxam numeric(19, 5) not null,
    bachnumb varchar(15) not null default '',
    trxdscrn varchar(31) not null default '',
    voidstts smallint not null default 0,
    primary key (rmdtypal, docnumbr)
);
comment on table rm20101 is 'RM20101 Open receivables; rmdtypal 1 = invoice, 8 = return, 9 = cash receipt; curtrxam = what is still open.';
create table rm30101 (like rm20101 including all);
comment on table rm30101 is 'RM30101 Receivables in history: settled, and moved there by a person.';

create table rm20201 (
    aptodcty smallint not null,
    aptodcnm varchar(21) not null,
    apfrdcty smallint not null,
    apfrdcnm varchar(21) not null,
    apptoamt numeric(19, 5) not null,
    date1 date not null,
    glpostdt date not null,
    primary key (aptodcty, aptodcnm, apfrdcty, apfrdcnm)
);
comment on table rm20201 is 'RM20201 What was applied to what.';

create function tarmcashreceiptinsert(p jsonb, out o_ierrorstate integer, out oerrstring varchar)
language plpgsql as $$
declare
    codes integer[] := '{}'; fault integer; number text := p ->> 'DOCNUMBR';
    amount numeric := (p ->> 'ORTRXAMT')::numeric; kind integer := (p ->> 'CSHRCTYP')::integer;
    checkbook text := coalesce(p ->> 'CHEKBKID', ''); card text := coalesce(p ->> 'CRCARDID', '');
begin
    fault := econnect_begin('taRMCashReceiptInsert', p);
    if fault <> 0 then codes := codes || fault; end if;
    if not exists (select from rm00101 where custnmbr = p ->> 'CUSTNMBR') then codes := codes || 91301; end if;
    if exists (select from rm10201 where docnumbr = number)
        or exists (select from rm20101 where rmdtypal = 9 and docnumbr = number)
        or exists (select from rm30101 where rmdtypal = 9 and docnumbr = number)
    then codes := codes || 91302; end if;
    if amount <= 0 then codes := codes || 91303; end if;
    if kind not between 0 and 2 then codes := codes || 91305; end if;
    if kind = 2 then
        if not exists (select from sy03100 where cardname = card) then codes := codes || 91306; end if;
        if checkbook = '' then select chekbkid into checkbook from sy03100 where cardname = card; end if;
    end if;
    if not exists (select from cm00100 where chekbkid = checkbook and inactive = 0) then codes := codes || 91307; end if;
    update sy00500 set numoftrx = numoftrx + 1, bchtotal = bchtotal + amount, modifdt = current_date
        where bchsourc = 'RM_Cash' and bachnumb = p ->> 'BACHNUMB' and bchsttus = 0;
    if not found then codes := codes || 91304; end if;
    if cardinality(codes) = 0 then
        insert into rm10201 values (p ->> 'BACHNUMB', 'RM_Cash', p ->> 'CUSTNMBR', number, (p ->> 'DOCDATE')::date,
            (p ->> 'GLPOSTDT')::date, kind, amount, amount, checkbook, coalesce(p ->> 'CHEKNMBR', ''), card,
            coalesce(p ->> 'TRXDSCRN', ''), coalesce(p ->> 'CURNCYID', ''));
    end if;
    select * into o_ierrorstate, oerrstring from econnect_result(codes);
end $$;

create function tarmapply(p jsonb, out o_ierrorstate integer, out oerrstring varchar)
language plpgsql as $$
declare
    codes integer[] := '{}'; fault integer; amount numeric := (p ->> 'APPTOAMT')::numeric;
    receipt rm10201; debt rm20101;
begin
    fault := econnect_begin('taRMApply', p);
    if fault <> 0 then codes := codes || fault; end if;
    select * into receipt from rm10201 where docnumbr = p ->> 'APFRDCNM' for update;
    if (p ->> 'APFRDCTY')::integer <> 9 or receipt.docnumbr is null then codes := codes || 91401; end if;
    select * into debt from rm20101
        where rmdtypal = (p ->> 'APTODCTY')::integer and docnumbr = p ->> 'APTODCNM' and voidstts = 0 for update;
    if debt.docnumbr is null then codes := codes || 91402;
    elsif debt.custnmbr <> receipt.custnmbr then codes := codes || 91403;
    end if;
    if amount <= 0 or amount > receipt.curtrxam or amount > debt.curtrxam then codes := codes || 91404; end if;
    if cardinality(codes) = 0 then
        insert into rm20201 values (debt.rmdtypal, debt.docnumbr, 9, receipt.docnumbr, amount,
            coalesce((p ->> 'APPLYDATE')::date, receipt.docdate), coalesce((p ->> 'GLPOSTDT')::date, receipt.glpostdt));
        update rm10201 set curtrxam = curtrxam - amount where docnumbr = receipt.docnumbr;
        update rm20101 set curtrxam = curtrxam - amount where rmdtypal = debt.rmdtypal and docnumbr = debt.docnumbr;
    end if;
    select * into o_ierrorstate, oerrstring from econnect_result(codes);
end $$;

create function gp_post_receipts(batch text) returns integer language plpgsql as $$
-- A person posts a batch of cash receipts: they leave work.
declare posted integer;
begin
    insert into rm20101 (custnmbr, rmdtypal, docnumbr, docdate, glpostdt, ortrxamt, curtrxam, bachnumb, trxdscrn)
        select custnmbr, 9, docnumbr, docdate, glpostdt, ortrxamt, curtrxam, bachnumb, trxdscrn from rm10201 where bachnumb = batch;
    get diagnostics posted = row_count;
    delete from rm10201 where bachnumb = batch;
    delete from sy00500 where bchsourc = 'RM_Cash' and bachnumb = batch;
    return posted;
end $$;

insert into dynamics.taerrorcode values
    (91301, 'taRMCashReceiptInsert', 'Customer does not exist in RM00101', 'CUSTNMBR'),
    (91302, 'taRMCashReceiptInsert', 'There is a cash receipt with this number', 'DOCNUMBR'),
    (91303, 'taRMCashReceiptInsert', 'The amount must be positive', 'ORTRXAMT'),
    (91304, 'taRMCashReceiptInsert', 'Batch does not exist in SY00500 or is in use', 'BACHNUMB'),
    (91305, 'taRMCashReceiptInsert', 'Cash receipt type must be 0 (check), 1 (cash) or 2 (card)', 'CSHRCTYP'),
    (91306, 'taRMCashReceiptInsert', 'Card does not exist in SY03100', 'CRCARDID'),
    (91307, 'taRMCashReceiptInsert', 'Checkbook does not exist in CM00100 or is inactive', 'CHEKBKID'),
    (91401, 'taRMApply', 'There is no such cash receipt in work', 'APFRDCNM,APFRDCTY'),
    (91402, 'taRMApply', 'There is no such open document', 'APTODCNM,APTODCTY'),
    (91403, 'taRMApply', 'The two documents belong to two customers', 'APTODCNM,APFRDCNM'),
    (91404, 'taRMApply', 'More is applied than is open on one of them', 'APPTOAMT');
