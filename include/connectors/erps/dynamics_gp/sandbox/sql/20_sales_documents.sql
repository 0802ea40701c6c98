-- Sales documents: work tables, history tables, and the details that GP keeps for both in one table.
create sequence dex_row_id as integer;

create table sop10100 (
    soptype smallint not null,
    sopnumbe varchar(21) not null,
    origtype smallint not null default 0,
    orignumb varchar(21) not null default '',
    docid varchar(15) not null,
    docdate date not null,
    glpostdt date not null default '1900-01-01',
    ordrdate date not null default '1900-01-01',
    invodate date not null default '1900-01-01',
    bachnumb varchar(15) not null,
    bchsourc varchar(15) not null default 'Sales Entry',
    custnmbr varchar(15) not null,
    custname varchar(65) not null default '',
    cstponbr varchar(21) not null default '',
    prbtadcd varchar(15) not null default '',
    prstadcd varchar(15) not null default '',
    shiptoname varchar(65) not null default '',
    cntcprsn varchar(61) not null default '',
    address1 varchar(61) not null default '',
    address2 varchar(61) not null default '',
    address3 varchar(61) not null default '',
    city varchar(35) not null default '',
    state varchar(29) not null default '',
    zipcode varchar(11) not null default '',
    country varchar(61) not null default '',
    phnumbr1 varchar(21) not null default '',
    shipmthd varchar(15) not null default '',
    locncode varchar(11) not null default '',
    taxschid varchar(15) not null default '',
    txrgnnum varchar(25) not null default '',
    pymtrmid varchar(21) not null default '',
    duedate date not null default '1900-01-01',
    slprsnid varchar(15) not null default '',
    curncyid varchar(15) not null,
    xchgrate numeric(19, 7) not null default 0,
    subtotal numeric(19, 5) not null default 0,
    trdisamt numeric(19, 5) not null default 0,
    frtamnt numeric(19, 5) not null default 0,
    miscamnt numeric(19, 5) not null default 0,
    taxamnt numeric(19, 5) not null default 0,
    frttxamt numeric(19, 5) not null default 0,
    msctxamt numeric(19, 5) not null default 0,
    docamnt numeric(19, 5) not null default 0,
    pymtrcvd numeric(19, 5) not null default 0,
    deprecvd numeric(19, 5) not null default 0,
    acctamnt numeric(19, 5) not null default 0,
    voidstts smallint not null default 0,
    refrence varchar(31) not null default '',
    user2ent varchar(15) not null default '',
    integrationid varchar(31) not null default '',
    creatddt date not null default current_date,
    dex_row_ts timestamp not null default (now() at time zone 'utc'),
    dex_row_id integer not null default nextval('dex_row_id'),
    primary key (soptype, sopnumbe)
);
create index sop10100_cstponbr on sop10100 (cstponbr, soptype);
create index sop10100_bachnumb on sop10100 (bchsourc, bachnumb);
comment on table sop10100 is 'SOP10100 Sales documents in work: soptype 1 quote, 2 order, 3 invoice, 4 return, 5 back-order; not posted yet.';
comment on column sop10100.cstponbr is 'Customer PO number: carries the web order''s number.';
comment on column sop10100.pymtrcvd is 'Payments received with the document (deposits of an order are in deprecvd as well).';
comment on column sop10100.acctamnt is 'Amount on account: docamnt less what was paid.';

create table sop10200 (
    soptype smallint not null,
    sopnumbe varchar(21) not null,
    lnitmseq integer not null,
    cmpntseq integer not null default 0,
    itemnmbr varchar(31) not null,
    itemdesc varchar(101) not null default '',
    noninven smallint not null default 0,
    dropship smallint not null default 0,
    uofm varchar(9) not null default '',
    locncode varchar(11) not null default '',
    unitcost numeric(19, 5) not null default 0,
    unitprce numeric(19, 5) not null default 0,
    xtndprce numeric(19, 5) not null default 0,
    quantity numeric(19, 5) not null default 0,
    qtytoinv numeric(19, 5) not null default 0,
    qtytbaor numeric(19, 5) not null default 0,
    qtycance numeric(19, 5) not null default 0,
    qtyfulfi numeric(19, 5) not null default 0,
    qtyprinv numeric(19, 5) not null default 0,
    qtyremai numeric(19, 5) not null default 0,
    atyalloc numeric(19, 5) not null default 0,
    qtyonhnd numeric(19, 5) not null default 0,
    qtyrtrnd numeric(19, 5) not null default 0,
    qtyinuse numeric(19, 5) not null default 0,
    qtyinsvc numeric(19, 5) not null default 0,
    qtydmged numeric(19, 5) not null default 0,
    taxamnt numeric(19, 5) not null default 0,
    shipmthd varchar(15) not null default '',
    curncyid varchar(15) not null default '',
    integrationid varchar(31) not null default '',
    dex_row_id integer not null default nextval('dex_row_id'),
    primary key (soptype, sopnumbe, lnitmseq, cmpntseq)
);
create index sop10200_item on sop10200 (itemnmbr, locncode) where atyalloc > 0;
comment on table sop10200 is 'SOP10200 Lines of sales documents in work.';
comment on column sop10200.quantity is 'Total ordered = qtytoinv + qtytbaor + qtycance + qtyprinv.';
comment on column sop10200.qtyrtrnd is 'On a return: units that come back into the Returned quantity (qtyonhnd: into stock, qtydmged: damaged); their sum is the quantity.';
comment on column sop10200.integrationid is 'The other system''s own id of the line.';
comment on column sop10200.qtyprinv is 'Quantity already transferred to invoices.';

create table sop30200 (like sop10100 including all);
comment on table sop30200 is 'SOP30200 Sales documents in history: posted invoices and returns, fully transferred orders, voided documents.';
create table sop30300 (like sop10200 including all);
comment on table sop30300 is 'SOP30300 Lines of sales documents in history.';

create table sop10102 (
    soptype smallint not null,
    sopnumbe varchar(21) not null,
    seqnumbr integer not null,
    disttype smallint not null,
    distref varchar(31) not null default '',
    actindx integer not null,
    debitamt numeric(19, 5) not null default 0,
    crdtamnt numeric(19, 5) not null default 0,
    primary key (soptype, sopnumbe, seqnumbr)
);
comment on table sop10102 is 'SOP10102 Account distributions of sales documents, work and history.';

create table sop10103 (
    soptype smallint not null,
    sopnumbe varchar(21) not null,
    seqnumbr integer not null,
    pymttype smallint not null,
    docnumbr varchar(21) not null default '',
    chekbkid varchar(15) not null default '',
    cheknmbr varchar(21) not null default '',
    cardname varchar(15) not null default '',
    rctnccrd varchar(21) not null default '',
    authcode varchar(15) not null default '',
    docdate date not null,
    amntpaid numeric(19, 5) not null,
    curncyid varchar(15) not null default '',
    primary key (soptype, sopnumbe, seqnumbr)
);
comment on table sop10103 is 'SOP10103 Payments of sales documents, work and history; pymttype 1-3 deposit by cash, check, card; 4-6 payment by the same.';

create table sop10105 (
    soptype smallint not null,
    sopnumbe varchar(21) not null,
    lnitmseq integer not null,
    taxdtlid varchar(15) not null,
    actindx integer not null default 0,
    staxamnt numeric(19, 5) not null default 0,
    frttxamt numeric(19, 5) not null default 0,
    msctxamt numeric(19, 5) not null default 0,
    tdttxsls numeric(19, 5) not null default 0,
    txdtottx numeric(19, 5) not null default 0,
    primary key (soptype, sopnumbe, lnitmseq, taxdtlid)
);
comment on table sop10105 is 'SOP10105 Taxes of sales documents, work and history; lnitmseq 0 is the document itself (freight, miscellaneous).';

create table sop10106 (
    soptype smallint not null,
    sopnumbe varchar(21) not null,
    cmmttext varchar(500) not null default '',
    commnt_1 varchar(51) not null default '',
    primary key (soptype, sopnumbe)
);
comment on table sop10106 is 'SOP10106 User-defined values and comment text of sales documents, work and history.';

create table sop10107 (
    soptype smallint not null,
    sopnumbe varchar(21) not null,
    tracking_number varchar(41) not null,
    primary key (soptype, sopnumbe, tracking_number)
);
comment on table sop10107 is 'SOP10107 Tracking numbers of sales documents, work and history.';
