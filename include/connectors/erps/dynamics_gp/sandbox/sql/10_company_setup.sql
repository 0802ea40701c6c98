-- Set-up and master tables of the sandbox company, with Dynamics GP's own table and column names.
-- Char columns are varchar of GP's length; text defaults to '' and dates to 1900-01-01, as in GP.
create schema if not exists dynamics;
create schema if not exists tempdb;

create table dynamics.mc40200 (
    curncyid varchar(15) primary key,
    crncydsc varchar(31) not null default '',
    isocurrc varchar(3) not null,
    decplcur smallint not null check (decplcur between 1 and 6)
);
comment on table dynamics.mc40200 is 'MC40200 Currency setup: GP currency id, ISO 4217 code, decimals (1 = none, 3 = two decimals).';

create table mc40000 (
    setupkey smallint primary key default 1 check (setupkey = 1),
    funlcurr varchar(15) not null references dynamics.mc40200
);
comment on table mc40000 is 'MC40000 Multicurrency setup: the functional currency of the company.';

create table sy40100 (
    year1 smallint not null,
    periodid smallint not null,
    series smallint not null,
    perioddt date not null,
    perdendt date not null,
    pername varchar(21) not null default '',
    closed smallint not null default 0,
    primary key (series, year1, periodid)
);
comment on table sy40100 is 'SY40100 Fiscal periods by series (3 = sales); closed = 1 refuses posting, not entry.';

create table sy03000 (
    shipmthd varchar(15) primary key,
    shmthdsc varchar(31) not null default '',
    carrier varchar(31) not null default '',
    shiptype smallint not null default 1
);
comment on table sy03000 is 'SY03000 Shipping methods; shiptype 0 = pickup, 1 = delivery.';

create table sy03300 (
    pymtrmid varchar(21) primary key,
    duetype smallint not null default 1,
    duedtds smallint not null default 0
);
comment on table sy03300 is 'SY03300 Payment terms; duetype 1 = net days, duedtds the days.';
insert into sy03300 values ('Net 15', 1, 15), ('Net 30', 1, 30), ('Net 60', 1, 60), ('Due on receipt', 1, 0);

create table sy03100 (
    cardname varchar(15) primary key,
    chekbkid varchar(15) not null default '',
    cbpayble smallint not null default 0,
    cbrcvble smallint not null default 1
);
comment on table sy03100 is 'SY03100 Credit cards the company accepts, with the checkbook their receipts go to.';

create table cm00100 (
    chekbkid varchar(15) primary key,
    dscriptn varchar(31) not null default '',
    curncyid varchar(15) not null,
    inactive smallint not null default 0
);
comment on table cm00100 is 'CM00100 Checkbooks.';

create table gl00105 (
    actindx integer primary key,
    actnumst varchar(129) not null unique
);
comment on table gl00105 is 'GL00105 Account index and account number string.';

create table tx00201 (
    taxdtlid varchar(15) primary key,
    txdtldsc varchar(31) not null default '',
    txdtltyp smallint not null default 1,
    txdtlpct numeric(19, 5) not null default 0,
    actindx integer not null default 0
);
comment on table tx00201 is 'TX00201 Tax details; txdtltyp 1 = sales. eConnect takes amounts as they are given, the rate informs.';

create table tx00101 (
    taxschid varchar(15) primary key,
    txschdsc varchar(31) not null default ''
);
comment on table tx00101 is 'TX00101 Tax schedules.';

create table iv40700 (
    locncode varchar(11) primary key,
    locndscr varchar(31) not null default ''
);
comment on table iv40700 is 'IV40700 Sites.';

create table iv40202 (
    uomschdl varchar(11) not null,
    uofm varchar(9) not null,
    qtybsuom numeric(19, 5) not null default 1,
    primary key (uomschdl, uofm)
);
comment on table iv40202 is 'IV40202 Units of measure in each schedule, with the quantity in base units.';

create table iv00101 (
    itemnmbr varchar(31) primary key,
    itemdesc varchar(101) not null default '',
    itemtype smallint not null default 1,
    uomschdl varchar(11) not null default 'EACH',
    selnguom varchar(9) not null default 'EACH',
    itmtshid varchar(15) not null default '',
    stndcost numeric(19, 5) not null default 0,
    currcost numeric(19, 5) not null default 0,
    locncode varchar(11) not null default '',
    alwbkord smallint not null default 1,
    inactive smallint not null default 0
);
comment on table iv00101 is 'IV00101 Item master; itemtype 1 sales inventory, 3 kit, 4 misc charge, 5 service; alwbkord 1 = may be back-ordered.';

create table iv00102 (
    itemnmbr varchar(31) not null references iv00101,
    locncode varchar(11) not null default '',
    rcrdtype smallint not null default 2,
    qtyonhnd numeric(19, 5) not null default 0,
    atyalloc numeric(19, 5) not null default 0,
    qtybkord numeric(19, 5) not null default 0,
    qtyonord numeric(19, 5) not null default 0,
    qtyrtrnd numeric(19, 5) not null default 0,
    qtyinuse numeric(19, 5) not null default 0,
    qtyinsvc numeric(19, 5) not null default 0,
    qtydmged numeric(19, 5) not null default 0,
    inactive smallint not null default 0,
    primary key (itemnmbr, locncode, rcrdtype)
);
comment on table iv00102 is 'IV00102 Item quantities; rcrdtype 2 = one site, 1 = all sites (locncode empty). Free to sell = qtyonhnd - atyalloc. Returned, in use, in service and damaged units are counted apart.';

create table rm00201 (
    classid varchar(15) primary key,
    clasdscr varchar(31) not null default ''
);
comment on table rm00201 is 'RM00201 Customer classes.';

create table rm00301 (
    slprsnid varchar(15) primary key,
    inactive smallint not null default 0
);
comment on table rm00301 is 'RM00301 Salespeople.';

create table rm00101 (
    custnmbr varchar(15) primary key,
    custname varchar(65) not null default '',
    custclas varchar(15) not null default '',
    shrtname varchar(15) not null default '',
    stmtname varchar(65) not null default '',
    cntcprsn varchar(61) not null default '',
    adrscode varchar(15) not null default '',
    address1 varchar(61) not null default '',
    address2 varchar(61) not null default '',
    address3 varchar(61) not null default '',
    city varchar(35) not null default '',
    state varchar(29) not null default '',
    zip varchar(11) not null default '',
    ccode varchar(7) not null default '',
    country varchar(61) not null default '',
    phone1 varchar(21) not null default '',
    phone2 varchar(21) not null default '',
    fax varchar(21) not null default '',
    upszone varchar(3) not null default '',
    shipmthd varchar(15) not null default '',
    taxschid varchar(15) not null default '',
    curncyid varchar(15) not null default '',
    pymtrmid varchar(21) not null default '',
    txrgnnum varchar(25) not null default '',
    prbtadcd varchar(15) not null default '',
    prstadcd varchar(15) not null default '',
    hold smallint not null default 0,
    inactive smallint not null default 0,
    creatddt date not null default current_date,
    modifdt date not null default current_date
);
comment on table rm00101 is 'RM00101 Customer master.';

create table rm00102 (
    custnmbr varchar(15) not null references rm00101,
    adrscode varchar(15) not null,
    cntcprsn varchar(61) not null default '',
    shiptoname varchar(65) not null default '',
    address1 varchar(61) not null default '',
    address2 varchar(61) not null default '',
    address3 varchar(61) not null default '',
    city varchar(35) not null default '',
    state varchar(29) not null default '',
    zip varchar(11) not null default '',
    ccode varchar(7) not null default '',
    country varchar(61) not null default '',
    phone1 varchar(21) not null default '',
    phone2 varchar(21) not null default '',
    phone3 varchar(21) not null default '',
    fax varchar(21) not null default '',
    shipmthd varchar(15) not null default '',
    taxschid varchar(15) not null default '',
    locncode varchar(11) not null default '',
    primary key (custnmbr, adrscode)
);
comment on table rm00102 is 'RM00102 Customer addresses by address code.';

create table sy01200 (
    master_type varchar(3) not null,
    master_id varchar(31) not null,
    adrscode varchar(15) not null default '',
    inet1 varchar(201) not null default '',
    primary key (master_type, master_id, adrscode)
);
create index sy01200_inet1 on sy01200 (lower(inet1)) where inet1 <> '';
comment on table sy01200 is 'SY01200 Internet addresses; master_type CUS = customer, master_id its number, inet1 the e-mail address.';

create table sop40200 (
    soptype smallint not null,
    docid varchar(15) not null,
    commntid varchar(15) not null default '',
    allocaby smallint not null default 1,
    primary key (soptype, docid)
);
comment on table sop40200 is 'SOP40200 Sales document ids; allocaby 1 = allocate line by line, 2 = by document or batch, 3 = none.';

create table sop40300 (
    soptype smallint not null,
    docid varchar(15) not null,
    sopnumbe varchar(21) not null,
    primary key (soptype, docid)
);
comment on table sop40300 is 'SOP40300 Next document number of each sales document id.';

create table sy00500 (
    bchsourc varchar(15) not null,
    bachnumb varchar(15) not null,
    series smallint not null default 3,
    bchcomnt varchar(61) not null default '',
    origin smallint not null default 1,
    bchsttus smallint not null default 0,
    mkdtopst smallint not null default 0,
    numoftrx integer not null default 0,
    bchtotal numeric(19, 5) not null default 0,
    chekbkid varchar(15) not null default '',
    glpostdt date not null default '1900-01-01',
    bachfreq smallint not null default 1,
    creatddt date not null default current_date,
    modifdt date not null default current_date,
    primary key (bchsourc, bachnumb)
);
comment on table sy00500 is 'SY00500 Batches; bchsttus 0 = available, anything else is at work or in error and must not be written to.';

create table dynamics.sy00800 (
    cmpnynam varchar(65) not null,
    bchsourc varchar(15) not null,
    bachnumb varchar(15) not null,
    userid varchar(15) not null,
    primary key (cmpnynam, bchsourc, bachnumb)
);
comment on table dynamics.sy00800 is 'SY00800 Batch activity: a row means that somebody has the batch open or is posting it.';

create table tempdb.dex_lock (
    session_id integer not null,
    table_path_name varchar(100) not null,
    row_id integer not null,
    primary key (table_path_name, row_id)
);
comment on table tempdb.dex_lock is 'DEX_LOCK: a document that a user has open in the GP client.';

create table dynamics.taerrorcode (
    errorcode integer primary key,
    sourceproc varchar(50) not null,
    errordesc varchar(255) not null,
    errorkeyfields varchar(255) not null default ''
);
comment on table dynamics.taerrorcode is 'taErrorCode: words for the numbers that eConnect procedures return. Numbers from 90000 are this sandbox''s own.';

create table econnect_parameter (
    procedure varchar(50) not null,
    name varchar(50) not null,
    type varchar(20) not null,
    required boolean not null,
    length integer,
    scale integer,
    primary key (procedure, name)
);
comment on table econnect_parameter is 'Sandbox only: the published parameters of each eConnect procedure.';
