-- The eConnect procedures. Each takes its published parameters as one object (PostgreSQL allows no
-- more than 100 arguments, taSopHdrIvcInsert has 115) and answers @O_iErrorState and @oErrString.

create function batch_is_busy(batch text) returns boolean language sql stable as $$
    select exists (select from sy00500 where bchsourc = 'Sales Entry' and bachnumb = batch and bchsttus <> 0)
        or exists (select from dynamics.sy00800 where bchsourc = 'Sales Entry' and bachnumb = batch)
$$;

create function document_is_open(soptype_ integer, sopnumbe_ text) returns boolean language sql stable as $$
    select exists (
        select from tempdb.dex_lock l join sop10100 d on d.dex_row_id = l.row_id
        where l.table_path_name = 'SOP10100' and d.soptype = soptype_ and d.sopnumbe = sopnumbe_)
$$;

create function document_exists(soptype_ integer, sopnumbe_ text) returns boolean language sql stable as $$
    select exists (select from sop10100 where soptype = soptype_ and sopnumbe = sopnumbe_)
        or exists (select from sop30200 where soptype = soptype_ and sopnumbe = sopnumbe_)
$$;

create function document_in_work(soptype_ integer, sopnumbe_ text) returns boolean language sql stable as $$
    select exists (select from sop10100 where soptype = soptype_ and sopnumbe = sopnumbe_ and voidstts = 0)
$$;

create function batch_of(soptype_ integer, sopnumbe_ text) returns text language sql stable as $$
    select bachnumb from sop10100 where soptype = soptype_ and sopnumbe = sopnumbe_
$$;

create function why_not_changeable(kind integer, number text, gone integer, busy integer) returns integer
language sql stable as $$
-- The code that refuses a change to a document: it is not in work, somebody has it open, its batch is at work.
    select case
        when not document_in_work(kind, number) then gone
        when document_is_open(kind, number) then 2079
        when batch_is_busy(batch_of(kind, number)) then busy
        else 0
    end
$$;

create function currency_places(currency text) returns integer language sql stable as $$
    select decplcur - 1 from dynamics.mc40200 where curncyid = currency
$$;

create function tagetsopnumber(
    i_tsoptype integer, i_cdocid text, i_tinc_dec integer, io_vsopnumber text,
    out o_vsopnumber text, out o_ierrorstate integer
) language plpgsql as $$
-- 1 takes the next number. 0 gives one back: possible only while nobody has taken a later one.
declare upcoming text; digits text; prefix text;
begin
    o_ierrorstate := sandbox_strike('taGetSopNumber');
    if o_ierrorstate <> 0 then return; end if;
    select sopnumbe into upcoming from sop40300 where soptype = i_tsoptype and docid = i_cdocid for update;
    if upcoming is null then
        o_ierrorstate := 91101;
        return;
    end if;
    digits := substring(upcoming from '[0-9]+$');
    prefix := left(upcoming, length(upcoming) - length(digits));
    if i_tinc_dec = 1 then
        o_vsopnumber := upcoming;
        update sop40300 set sopnumbe = prefix || lpad((digits::bigint + 1)::text, length(digits), '0')
            where soptype = i_tsoptype and docid = i_cdocid;
    else
        o_vsopnumber := io_vsopnumber;
        if io_vsopnumber = prefix || lpad((digits::bigint - 1)::text, length(digits), '0')
            and not document_exists(i_tsoptype, io_vsopnumber)
        then
            update sop40300 set sopnumbe = io_vsopnumber where soptype = i_tsoptype and docid = i_cdocid;
        end if;
    end if;
end $$;

create function taupdatecreatecustomerrcd(p jsonb, out o_ierrorstate integer, out oerrstring varchar)
language plpgsql as $$
declare codes integer[] := '{}'; fault integer; number text := p ->> 'CUSTNMBR'; known boolean;
begin
    fault := econnect_begin('taUpdateCreateCustomerRcd', p);
    if fault <> 0 then codes := codes || fault; end if;
    known := exists (select from rm00101 where custnmbr = number);
    if not known and coalesce(p ->> 'CUSTNAME', '') = '' then codes := codes || 90502; end if;
    if p ? 'CUSTCLAS' and not exists (select from rm00201 where classid = p ->> 'CUSTCLAS') then
        codes := codes || 90501;
    end if;
    if cardinality(codes) = 0 and (not known or coalesce((p ->> 'UpdateIfExists')::integer, 1) = 1) then
        insert into rm00101 as c (
            custnmbr, custname, custclas, shrtname, stmtname, cntcprsn, adrscode, prbtadcd, prstadcd,
            address1, address2, address3, city, state, zip, ccode, country, phone1, shipmthd, taxschid, txrgnnum, hold, inactive
        ) values (
            number, p ->> 'CUSTNAME', coalesce(p ->> 'CUSTCLAS', ''),
            coalesce(p ->> 'SHRTNAME', left(p ->> 'CUSTNAME', 15)), coalesce(p ->> 'STMTNAME', p ->> 'CUSTNAME'),
            coalesce(p ->> 'CNTCPRSN', ''), coalesce(p ->> 'ADRSCODE', ''), coalesce(p ->> 'ADRSCODE', ''),
            coalesce(p ->> 'ADRSCODE', ''), coalesce(p ->> 'ADDRESS1', ''), coalesce(p ->> 'ADDRESS2', ''),
            coalesce(p ->> 'ADDRESS3', ''), coalesce(p ->> 'CITY', ''), coalesce(p ->> 'STATE', ''),
            coalesce(p ->> 'ZIPCODE', ''), coalesce(p ->> 'CCode', ''), coalesce(p ->> 'COUNTRY', ''),
            coalesce(p ->> 'PHNUMBR1', ''), coalesce(p ->> 'SHIPMTHD', ''), coalesce(p ->> 'TAXSCHID', ''),
            coalesce(p ->> 'TXRGNNUM', ''), coalesce((p ->> 'HOLD')::integer, 0), coalesce((p ->> 'INACTIVE')::integer, 0)
        ) on conflict (custnmbr) do update set
            custname = coalesce(p ->> 'CUSTNAME', c.custname), custclas = coalesce(p ->> 'CUSTCLAS', c.custclas),
            cntcprsn = coalesce(p ->> 'CNTCPRSN', c.cntcprsn), address1 = coalesce(p ->> 'ADDRESS1', c.address1),
            address2 = coalesce(p ->> 'ADDRESS2', c.address2), address3 = coalesce(p ->> 'ADDRESS3', c.address3),
            city = coalesce(p ->> 'CITY', c.city), state = coalesce(p ->> 'STATE', c.state),
            zip = coalesce(p ->> 'ZIPCODE', c.zip), country = coalesce(p ->> 'COUNTRY', c.country),
            phone1 = coalesce(p ->> 'PHNUMBR1', c.phone1), txrgnnum = coalesce(p ->> 'TXRGNNUM', c.txrgnnum),
            hold = coalesce((p ->> 'HOLD')::integer, c.hold), inactive = coalesce((p ->> 'INACTIVE')::integer, c.inactive),
            modifdt = current_date
            where coalesce((p ->> 'UpdateIfExists')::integer, 1) = 1;
        if coalesce(p ->> 'ADRSCODE', '') <> '' then
            insert into rm00102 as a (custnmbr, adrscode, cntcprsn, address1, address2, address3, city, state, zip, ccode, country, phone1)
            select c.custnmbr, p ->> 'ADRSCODE', c.cntcprsn, c.address1, c.address2, c.address3, c.city, c.state,
                   c.zip, c.ccode, c.country, c.phone1
            from rm00101 c where c.custnmbr = number
            on conflict (custnmbr, adrscode) do update set
                cntcprsn = excluded.cntcprsn, address1 = excluded.address1, address2 = excluded.address2,
                address3 = excluded.address3, city = excluded.city, state = excluded.state, zip = excluded.zip,
                country = excluded.country
                where coalesce((p ->> 'UpdateIfExists')::integer, 1) = 1;
        end if;
    end if;
    select * into o_ierrorstate, oerrstring from econnect_result(codes);
end $$;

create function tacreatecustomeraddress(p jsonb, out o_ierrorstate integer, out oerrstring varchar)
language plpgsql as $$
declare codes integer[] := '{}'; fault integer;
begin
    fault := econnect_begin('taCreateCustomerAddress', p);
    if fault <> 0 then codes := codes || fault; end if;
    if not exists (select from rm00101 where custnmbr = p ->> 'CUSTNMBR') then codes := codes || 90601; end if;
    if coalesce(p ->> 'SHIPMTHD', '') <> '' and not exists (select from sy03000 where shipmthd = p ->> 'SHIPMTHD') then
        codes := codes || 90602;
    end if;
    if cardinality(codes) = 0 then
        insert into rm00102 as a (
            custnmbr, adrscode, cntcprsn, shiptoname, address1, address2, address3, city, state, zip, ccode,
            country, phone1, phone2, phone3, fax, shipmthd, taxschid, locncode
        ) values (
            p ->> 'CUSTNMBR', p ->> 'ADRSCODE', coalesce(p ->> 'CNTCPRSN', ''), coalesce(p ->> 'ShipToName', ''),
            coalesce(p ->> 'ADDRESS1', ''), coalesce(p ->> 'ADDRESS2', ''), coalesce(p ->> 'ADDRESS3', ''),
            coalesce(p ->> 'CITY', ''), coalesce(p ->> 'STATE', ''), coalesce(p ->> 'ZIPCODE', ''),
            coalesce(p ->> 'CCode', ''), coalesce(p ->> 'COUNTRY', ''), coalesce(p ->> 'PHNUMBR1', ''),
            coalesce(p ->> 'PHNUMBR2', ''), coalesce(p ->> 'PHNUMBR3', ''), coalesce(p ->> 'FAX', ''),
            coalesce(p ->> 'SHIPMTHD', ''), coalesce(p ->> 'TAXSCHID', ''), coalesce(p ->> 'LOCNCODE', '')
        ) on conflict (custnmbr, adrscode) do update set
            cntcprsn = excluded.cntcprsn, shiptoname = excluded.shiptoname, address1 = excluded.address1,
            address2 = excluded.address2, address3 = excluded.address3, city = excluded.city, state = excluded.state,
            zip = excluded.zip, ccode = excluded.ccode, country = excluded.country, phone1 = excluded.phone1
            where coalesce((p ->> 'UpdateIfExists')::integer, 1) = 1;
    end if;
    select * into o_ierrorstate, oerrstring from econnect_result(codes);
end $$;

create function tacreateinternetaddresses(p jsonb, out o_ierrorstate integer, out oerrstring varchar)
language plpgsql as $$
declare codes integer[] := '{}'; fault integer;
begin
    fault := econnect_begin('taCreateInternetAddresses', p);
    if fault <> 0 then codes := codes || fault; end if;
    if p ->> 'Master_Type' <> 'CUS' or not exists (select from rm00101 where custnmbr = p ->> 'Master_ID') then
        codes := codes || 91201;
    end if;
    if cardinality(codes) = 0 then
        insert into sy01200 values (p ->> 'Master_Type', p ->> 'Master_ID', coalesce(p ->> 'ADRSCODE', ''), coalesce(p ->> 'INET1', ''))
        on conflict (master_type, master_id, adrscode) do update set inet1 = excluded.inet1;
    end if;
    select * into o_ierrorstate, oerrstring from econnect_result(codes);
end $$;

create function tacreateupdatebatchheaderrcd(p jsonb, out o_ierrorstate integer, out oerrstring varchar)
language plpgsql as $$
declare codes integer[] := '{}'; fault integer;
begin
    fault := econnect_begin('taCreateUpdateBatchHeaderRcd', p);
    if fault <> 0 then codes := codes || fault; end if;
    if (p ->> 'SERIES')::integer <> 3 or p ->> 'BCHSOURC' not in ('Sales Entry', 'RM_Cash') then codes := codes || 90701; end if;
    if p ->> 'BCHSOURC' = 'Sales Entry' and batch_is_busy(p ->> 'BACHNUMB') then codes := codes || 90702; end if;
    if coalesce(p ->> 'CHEKBKID', '') <> '' and not exists (select from cm00100 where chekbkid = p ->> 'CHEKBKID') then
        codes := codes || 90703;
    end if;
    if cardinality(codes) = 0 then
        insert into sy00500 (bchsourc, bachnumb, series, bchcomnt, origin, chekbkid, glpostdt)
        values (p ->> 'BCHSOURC', p ->> 'BACHNUMB', 3, coalesce(p ->> 'BCHCOMNT', ''), coalesce((p ->> 'ORIGIN')::integer, 1),
            coalesce(p ->> 'CHEKBKID', ''), coalesce((p ->> 'GLPOSTDT')::date, '1900-01-01'))
        on conflict (bchsourc, bachnumb) do nothing;
    end if;
    select * into o_ierrorstate, oerrstring from econnect_result(codes);
end $$;

create function tasoplineivcinsert(p jsonb, out o_ierrorstate integer, out oerrstring varchar)
language plpgsql as $$
declare
    codes integer[] := '{}'; fault integer;
    kind integer := (p ->> 'SOPTYPE')::integer;
    number text := p ->> 'SOPNUMBE';
    item_number text := p ->> 'ITEMNMBR';
    site text := coalesce(p ->> 'LOCNCODE', '');
    invoiced numeric := (p ->> 'QUANTITY')::numeric;
    back_ordered numeric := coalesce((p ->> 'QTYTBAOR')::numeric, 0);
    cancelled numeric := coalesce((p ->> 'QTYCANCE')::numeric, 0);
    fulfilled numeric := coalesce((p ->> 'QTYFULFI')::numeric, 0);
    unit_price numeric := coalesce((p ->> 'UNITPRCE')::numeric, 0);
    extended numeric := coalesce((p ->> 'XTNDPRCE')::numeric, 0);
    non_inventory boolean := coalesce((p ->> 'NONINVEN')::integer, 0) = 1;
    shortage integer := coalesce((p ->> 'QtyShrtOpt')::integer, 0);
    currency text := coalesce(p ->> 'CURNCYID', '');
    sequence integer := coalesce((p ->> 'LNITMSEQ')::integer, 0);
    changing boolean := coalesce((p ->> 'UpdateIfExists')::integer, 0) = 1 and document_exists(kind, number);
    held sop10200; prior numeric := 0; why_not integer;
    item iv00101; stock iv00102; customer rm00101; unit text; free numeric; allocated numeric := 0; short numeric;
begin
    fault := econnect_begin('taSopLineIvcInsert', p);
    if fault <> 0 then codes := codes || fault; end if;
    if kind not between 1 and 6 then codes := codes || 90001; end if;
    if changing then
        why_not := why_not_changeable(kind, number, 90120, 90121);
        if why_not <> 0 then codes := codes || why_not; end if;
        select * into held from sop10200 where soptype = kind and sopnumbe = number and lnitmseq = sequence for update;
        prior := coalesce(held.qtyprinv, 0);
        if held.itemnmbr <> item_number then codes := codes || 2902; end if;
    elsif document_exists(kind, number) then codes := codes || 90102;
    end if;
    select * into customer from rm00101 where custnmbr = p ->> 'CUSTNMBR';
    if customer.custnmbr is null then codes := codes || 90104;
    elsif customer.hold <> 0 or customer.inactive <> 0 then codes := codes || 90105;
    end if;
    if invoiced < 0 or back_ordered < 0 or cancelled < 0 or invoiced + back_ordered + cancelled + prior = 0 then
        codes := codes || 90111;
    end if;
    if unit_price < 0 or extended < 0 then codes := codes || 90113; end if;
    if currency = '' then codes := codes || 9370;
    elsif currency_places(currency) is null then codes := codes || 90114;
    elsif round(unit_price * (invoiced + back_ordered + prior), currency_places(currency)) <> extended then
        codes := codes || 90112;
    end if;
    if back_ordered > 0 and kind not in (2, 5) then codes := codes || 90115; end if;
    if sequence = 0 then
        select coalesce(max(lnitmseq), 0) + 16384 into sequence from sop10200 where soptype = kind and sopnumbe = number;
    elsif not changing and exists (select from sop10200 where soptype = kind and sopnumbe = number and lnitmseq = sequence) then
        codes := codes || 90103;
    end if;

    select * into item from iv00101 where itemnmbr = item_number;
    unit := coalesce(nullif(p ->> 'UOFM', ''), item.selnguom, 'EACH');
    if non_inventory then
        if item.itemnmbr is not null then codes := codes || 90117; end if;
        if coalesce(p ->> 'ITEMDESC', '') = '' then codes := codes || 90118; end if;
        if site <> '' and not exists (select from iv40700 where locncode = site) then codes := codes || 90108; end if;
    elsif item.itemnmbr is null then
        codes := codes || 90101;
    else
        if item.inactive <> 0 then codes := codes || 90107; end if;
        site := coalesce(nullif(site, ''), item.locncode);
        if not exists (select from iv40202 where uomschdl = item.uomschdl and uofm = unit) then codes := codes || 90110; end if;
        if not exists (select from iv40700 where locncode = site) then codes := codes || 90108;
        elsif item.itemtype in (1, 2) and cardinality(codes) = 0 then
            -- Row locks in item order keep documents from deadlocking when callers sort their lines.
            select * into stock from iv00102 where itemnmbr = item_number and locncode = site and rcrdtype = 2 for update;
            if stock.itemnmbr is null then codes := codes || 90109; end if;
        end if;
        if back_ordered > 0 and item.alwbkord = 0 then codes := codes || 4776; end if;
        if kind = 4 and item.itemtype in (1, 2) and invoiced <> coalesce((p ->> 'QTYONHND')::numeric, 0)
            + coalesce((p ->> 'QTYRTRND')::numeric, 0) + coalesce((p ->> 'QTYINUSE')::numeric, 0)
            + coalesce((p ->> 'QTYINSVC')::numeric, 0) + coalesce((p ->> 'QTYDMGED')::numeric, 0)
        then codes := codes || 90119; end if;
    end if;

    if cardinality(codes) = 0 and held.itemnmbr is not null then
        -- What the line holds is given back first: the new quantities are promised afresh.
        update iv00102 set atyalloc = atyalloc - held.atyalloc, qtybkord = qtybkord - held.qtytbaor
            where held.noninven = 0 and itemnmbr = held.itemnmbr
              and ((locncode = held.locncode and rcrdtype = 2) or rcrdtype = 1);
        if stock.itemnmbr is not null and stock.locncode = held.locncode then stock.atyalloc := stock.atyalloc - held.atyalloc; end if;
    end if;

    if cardinality(codes) = 0 and stock.itemnmbr is not null and kind in (2, 3, 6) then
        free := stock.qtyonhnd - stock.atyalloc;
        if kind = 3 then
            -- An invoice may take what the customer's own orders hold; the header checks the sum exactly.
            select free + coalesce(sum(l.atyalloc), 0) into free
                from sop10200 l join sop10100 d using (soptype, sopnumbe)
                where l.itemnmbr = item_number and l.locncode = site and l.atyalloc > 0
                  and l.soptype = 2 and d.custnmbr = customer.custnmbr;
        end if;
        short := greatest(invoiced - greatest(free, 0), 0);
        if short > 0 then
            case
                when shortage = 2 then null;
                when shortage = 4 and kind = 2 and item.alwbkord = 0 then codes := codes || 4776;
                when shortage = 4 and kind = 2 then
                    back_ordered := back_ordered + short;
                    invoiced := invoiced - short;
                when shortage = 6 and kind = 2 then
                    cancelled := cancelled + short;
                    invoiced := invoiced - short;
                    extended := round(unit_price * (invoiced + back_ordered + prior), currency_places(currency));
                else codes := codes || 90116;
            end case;
        end if;
        allocated := invoiced;
    end if;
    if fulfilled > allocated and not non_inventory then codes := codes || 2905; end if;

    if cardinality(codes) = 0 and held.itemnmbr is not null then
        update sop10200 set unitprce = unit_price, xtndprce = extended, locncode = site,
                quantity = invoiced + back_ordered + cancelled + prior, qtytoinv = invoiced, qtytbaor = back_ordered,
                qtycance = cancelled, qtyremai = invoiced + back_ordered, atyalloc = allocated,
                itemdesc = coalesce(nullif(p ->> 'ITEMDESC', ''), held.itemdesc), taxamnt = coalesce((p ->> 'TAXAMNT')::numeric, 0),
                integrationid = coalesce(p ->> 'INTEGRATIONID', held.integrationid)
            where soptype = kind and sopnumbe = number and lnitmseq = sequence;
    elsif cardinality(codes) = 0 then
        insert into sop10200 (
            soptype, sopnumbe, lnitmseq, itemnmbr, itemdesc, noninven, dropship, uofm, locncode, unitcost, unitprce,
            xtndprce, quantity, qtytoinv, qtytbaor, qtycance, qtyfulfi, qtyremai, atyalloc, taxamnt, shipmthd, curncyid,
            qtyonhnd, qtyrtrnd, qtyinuse, qtyinsvc, qtydmged, integrationid
        ) values (
            kind, number, sequence, item_number, coalesce(nullif(p ->> 'ITEMDESC', ''), item.itemdesc), non_inventory::integer,
            coalesce((p ->> 'DROPSHIP')::integer, 0), unit, site, coalesce((p ->> 'UNITCOST')::numeric, item.currcost, 0),
            unit_price, extended, invoiced + back_ordered + cancelled, invoiced, back_ordered, cancelled,
            case when kind = 3 then coalesce(nullif(fulfilled, 0), invoiced) else fulfilled end,
            invoiced + back_ordered, allocated, coalesce((p ->> 'TAXAMNT')::numeric, 0), coalesce(p ->> 'SHIPMTHD', ''), currency,
            coalesce((p ->> 'QTYONHND')::numeric, 0), coalesce((p ->> 'QTYRTRND')::numeric, 0), coalesce((p ->> 'QTYINUSE')::numeric, 0),
            coalesce((p ->> 'QTYINSVC')::numeric, 0), coalesce((p ->> 'QTYDMGED')::numeric, 0), coalesce(p ->> 'INTEGRATIONID', '')
        );
    end if;
    if cardinality(codes) = 0 then
        if stock.itemnmbr is not null and (allocated <> 0 or back_ordered <> 0) then
            update iv00102 set atyalloc = atyalloc + allocated, qtybkord = qtybkord + back_ordered
                where itemnmbr = item_number and ((locncode = site and rcrdtype = 2) or rcrdtype = 1);
        end if;
    end if;
    select * into o_ierrorstate, oerrstring from econnect_result(codes);
end $$;

create function tasoplineivctaxinsert(p jsonb, out o_ierrorstate integer, out oerrstring varchar)
language plpgsql as $$
declare
    codes integer[] := '{}'; fault integer;
    kind integer := (p ->> 'SOPTYPE')::integer; number text := p ->> 'SOPNUMBE';
    sequence integer := coalesce((p ->> 'LNITMSEQ')::integer, 0);
    changing boolean := document_in_work(kind, number);
begin
    fault := econnect_begin('taSopLineIvcTaxInsert', p);
    if fault <> 0 then codes := codes || fault; end if;
    -- On a document in work a tax replaces the one of its detail on the line; the header checks the sum again.
    if document_exists(kind, number) and (not changing or document_is_open(kind, number)) then codes := codes || 90204; end if;
    if sequence <> 0 and not exists (
        select from sop10200 where soptype = kind and sopnumbe = number and lnitmseq = sequence
    ) then codes := codes || 90201; end if;
    if not exists (select from tx00201 where taxdtlid = p ->> 'TAXDTLID') then codes := codes || 90202; end if;
    if not changing and exists (
        select from sop10105 where soptype = kind and sopnumbe = number and lnitmseq = sequence and taxdtlid = p ->> 'TAXDTLID'
    ) then codes := codes || 90203; end if;
    if cardinality(codes) = 0 then
        insert into sop10105 (soptype, sopnumbe, lnitmseq, taxdtlid, staxamnt, frttxamt, msctxamt, tdttxsls, txdtottx)
        values (kind, number, sequence, p ->> 'TAXDTLID', coalesce((p ->> 'STAXAMNT')::numeric, 0),
            coalesce((p ->> 'FRTTXAMT')::numeric, 0), coalesce((p ->> 'MSCTXAMT')::numeric, 0),
            coalesce((p ->> 'TDTTXSLS')::numeric, (p ->> 'SALESAMT')::numeric, 0), coalesce((p ->> 'TXDTOTTX')::numeric, 0))
        on conflict (soptype, sopnumbe, lnitmseq, taxdtlid) do update set
            staxamnt = excluded.staxamnt, frttxamt = excluded.frttxamt, msctxamt = excluded.msctxamt,
            tdttxsls = excluded.tdttxsls, txdtottx = excluded.txdtottx;
    end if;
    select * into o_ierrorstate, oerrstring from econnect_result(codes);
end $$;

create function tacreatesoppaymentinsertrecord(p jsonb, out o_ierrorstate integer, out oerrstring varchar)
language plpgsql as $$
declare
    codes integer[] := '{}'; fault integer;
    kind integer := (p ->> 'SOPTYPE')::integer; number text := p ->> 'SOPNUMBE';
    payment_type integer := coalesce((p ->> 'PYMTTYPE')::integer, 1);
    amount numeric := coalesce((p ->> 'DOCAMNT')::numeric, 0);
    card text := coalesce(p ->> 'CARDNAME', ''); checkbook text := coalesce(p ->> 'CHEKBKID', '');
    sequence integer := coalesce((p ->> 'SEQNUMBR')::integer, 0);
    action integer := coalesce((p ->> 'Action')::integer, 1);
begin
    fault := econnect_begin('taCreateSopPaymentInsertRecord', p);
    if fault <> 0 then codes := codes || fault; end if;
    -- A payment can be added to a document in work; the header checks the sum again.
    if document_exists(kind, number) and (not document_in_work(kind, number) or document_is_open(kind, number)) then
        codes := codes || 90307;
    end if;
    if action not between 1 and 3 then codes := codes || 90308; end if;
    if action in (2, 3) then
        if not exists (select from sop10103 where soptype = kind and sopnumbe = number and seqnumbr = sequence
            and pymttype = payment_type and docnumbr = coalesce(nullif(p ->> 'DOCNUMBR', ''), docnumbr))
        then codes := codes || 90309; end if;
        if action = 3 and amount <= 0 then codes := codes || 90303; end if;
        if cardinality(codes) = 0 and action = 2 then
            delete from sop10103 where soptype = kind and sopnumbe = number and seqnumbr = sequence;
        elsif cardinality(codes) = 0 then
            update sop10103 set amntpaid = amount where soptype = kind and sopnumbe = number and seqnumbr = sequence;
        end if;
        select * into o_ierrorstate, oerrstring from econnect_result(codes);
        return;
    end if;
    if kind not between 2 and 6 then codes := codes || 90301; end if;
    if payment_type not between 1 and 6 or (kind in (3, 4) and payment_type < 4) then codes := codes || 90302; end if;
    if amount <= 0 then codes := codes || 90303; end if;
    if payment_type in (3, 6) then
        if not exists (select from sy03100 where cardname = card) then codes := codes || 90305; end if;
        if checkbook = '' then select chekbkid into checkbook from sy03100 where cardname = card; end if;
    elsif payment_type in (2, 5) and coalesce(p ->> 'CHEKNMBR', '') = '' then
        codes := codes || 90306;
    end if;
    if not exists (select from cm00100 where chekbkid = checkbook and inactive = 0) then codes := codes || 90304; end if;
    if sequence = 0 then
        select coalesce(max(seqnumbr), 0) + 16384 into sequence from sop10103 where soptype = kind and sopnumbe = number;
    end if;
    if cardinality(codes) = 0 then
        insert into sop10103 (soptype, sopnumbe, seqnumbr, pymttype, docnumbr, chekbkid, cheknmbr, cardname, rctnccrd, authcode, docdate, amntpaid)
        values (kind, number, sequence, payment_type, coalesce(nullif(p ->> 'DOCNUMBR', ''), 'PYMNT' || lpad(nextval('dex_row_id')::text, 12, '0')),
            checkbook, coalesce(p ->> 'CHEKNMBR', ''), card, coalesce(p ->> 'RCTNCCRD', ''), coalesce(p ->> 'AUTHCODE', ''),
            coalesce((p ->> 'DOCDATE')::date, current_date), amount);
    end if;
    select * into o_ierrorstate, oerrstring from econnect_result(codes);
end $$;

create function tasopdistribution(p jsonb, out o_ierrorstate integer, out oerrstring varchar)
language plpgsql as $$
declare
    codes integer[] := '{}'; fault integer; account integer; sequence integer := coalesce((p ->> 'SEQNUMBR')::integer, 0);
    debit numeric := coalesce((p ->> 'DEBITAMT')::numeric, 0); credit numeric := coalesce((p ->> 'CRDTAMNT')::numeric, 0);
begin
    fault := econnect_begin('taSopDistribution', p);
    if fault <> 0 then codes := codes || fault; end if;
    if (p ->> 'DISTTYPE')::integer not between 1 and 22 then codes := codes || 90901; end if;
    select actindx into account from gl00105
        where actnumst = p ->> 'ACTNUMST' or (not p ? 'ACTNUMST' and actindx = (p ->> 'ACTINDX')::integer);
    if account is null then codes := codes || 90902; end if;
    if (debit = 0) = (credit = 0) then codes := codes || 90903; end if;
    if sequence = 0 then
        select coalesce(max(seqnumbr), 0) + 16384 into sequence from sop10102
            where soptype = (p ->> 'SOPTYPE')::integer and sopnumbe = p ->> 'SOPNUMBE';
    end if;
    if cardinality(codes) = 0 then
        insert into sop10102 values ((p ->> 'SOPTYPE')::integer, p ->> 'SOPNUMBE', sequence, (p ->> 'DISTTYPE')::integer,
            coalesce(p ->> 'DistRef', ''), account, debit, credit);
    end if;
    select * into o_ierrorstate, oerrstring from econnect_result(codes);
end $$;

create function document_to_history(kind integer, number text) returns void language sql as $$
    insert into sop30200 select * from sop10100 where soptype = kind and sopnumbe = number;
    insert into sop30300 select * from sop10200 where soptype = kind and sopnumbe = number;
    delete from sop10200 where soptype = kind and sopnumbe = number;
    delete from sop10100 where soptype = kind and sopnumbe = number;
$$;

create function release_stock(kind integer, number text) returns void language sql as $$
    -- Gives back what a document in work holds: allocations and back-orders.
    update iv00102 s set atyalloc = s.atyalloc - held.allocated, qtybkord = s.qtybkord - held.back_ordered
    from (
        select itemnmbr, locncode, sum(atyalloc) allocated, sum(qtytbaor) back_ordered
        from sop10200 where soptype = kind and sopnumbe = number and noninven = 0 group by 1, 2
    ) held
    where s.itemnmbr = held.itemnmbr and ((s.rcrdtype = 2 and s.locncode = held.locncode) or s.rcrdtype = 1);
    update sop10200 set atyalloc = 0 where soptype = kind and sopnumbe = number;
$$;

create function leave_batch(kind integer, number text) returns void language sql as $$
    update sy00500 b set numoftrx = b.numoftrx - 1, bchtotal = b.bchtotal - d.docamnt
    from sop10100 d
    where d.soptype = kind and d.sopnumbe = number and b.bchsourc = d.bchsourc and b.bachnumb = d.bachnumb;
$$;

create function transfer_order(order_number text, invoice_number text) returns integer language plpgsql as $$
-- What is invoiced leaves the order: its allocation, its remaining quantity, and, when nothing
-- remains, the order itself goes to history. Returns 90419 when stock does not cover the outcome.
declare taken record;
begin
    for taken in
        select o.lnitmseq, o.itemnmbr, o.locncode, o.noninven,
               least(o.qtytoinv, i.quantity) as moved, least(o.atyalloc, i.quantity) as freed
        from sop10200 o
        join (select itemnmbr, locncode, lnitmseq, sum(quantity) quantity from sop10200
              where soptype = 3 and sopnumbe = invoice_number group by 1, 2, 3) i using (itemnmbr, lnitmseq)
        where o.soptype = 2 and o.sopnumbe = order_number order by o.itemnmbr
    loop
        update sop10200 set qtytoinv = qtytoinv - taken.moved, qtyprinv = qtyprinv + taken.moved,
                qtyremai = qtyremai - taken.moved, atyalloc = atyalloc - taken.freed
            where soptype = 2 and sopnumbe = order_number and lnitmseq = taken.lnitmseq;
        if taken.noninven = 0 and taken.freed <> 0 then
            update iv00102 set atyalloc = atyalloc - taken.freed
                where itemnmbr = taken.itemnmbr and ((locncode = taken.locncode and rcrdtype = 2) or rcrdtype = 1);
        end if;
    end loop;
    if exists (
        select from sop10200 l join iv00102 s on s.itemnmbr = l.itemnmbr and s.locncode = l.locncode and s.rcrdtype = 2
        where l.soptype = 3 and l.sopnumbe = invoice_number and l.noninven = 0 and s.atyalloc > s.qtyonhnd
    ) then return 90419; end if;
    if not exists (select from sop10200 where soptype = 2 and sopnumbe = order_number and qtyremai > 0) then
        perform leave_batch(2, order_number);
        perform document_to_history(2, order_number);
    end if;
    return 0;
end $$;

create function document_to_work(kind integer, number text) returns void language sql as $$
    insert into sop10100 select * from sop30200 where soptype = kind and sopnumbe = number;
    insert into sop10200 select * from sop30300 where soptype = kind and sopnumbe = number;
    delete from sop30300 where soptype = kind and sopnumbe = number;
    delete from sop30200 where soptype = kind and sopnumbe = number;
$$;

create function restore_order(order_number text, invoice_number text) returns void language plpgsql as $$
-- A voided invoice gives its order the quantities back; an order that was transferred in full comes back to work.
declare back record; ordered sop30200;
begin
    select * into ordered from sop30200 where soptype = 2 and sopnumbe = order_number for update;
    if ordered.voidstts = 1 then return; end if;
    if ordered.sopnumbe is not null then
        perform document_to_work(2, order_number);
        insert into sy00500 as b (bchsourc, bachnumb, numoftrx, bchtotal) values (ordered.bchsourc, ordered.bachnumb, 1, ordered.docamnt)
        on conflict (bchsourc, bachnumb) do update set numoftrx = b.numoftrx + 1, bchtotal = b.bchtotal + excluded.bchtotal;
    end if;
    for back in
        select o.lnitmseq, o.itemnmbr, o.locncode, o.noninven, least(o.qtyprinv, i.quantity) as units,
               exists (select from iv00101 m where m.itemnmbr = o.itemnmbr and m.itemtype in (1, 2)) as kept
        from sop10200 o join sop10200 i on i.itemnmbr = o.itemnmbr and i.lnitmseq = o.lnitmseq
        where o.soptype = 2 and o.sopnumbe = order_number and i.soptype = 3 and i.sopnumbe = invoice_number
        order by o.itemnmbr
    loop
        update sop10200 set qtytoinv = qtytoinv + back.units, qtyprinv = qtyprinv - back.units, qtyremai = qtyremai + back.units,
                atyalloc = atyalloc + case when back.kept and back.noninven = 0 then back.units else 0 end
            where soptype = 2 and sopnumbe = order_number and lnitmseq = back.lnitmseq;
        if back.kept and back.noninven = 0 then
            update iv00102 set atyalloc = atyalloc + back.units
                where itemnmbr = back.itemnmbr and ((locncode = back.locncode and rcrdtype = 2) or rcrdtype = 1);
        end if;
    end loop;
end $$;

create function return_exceeds_invoice(return_number text, origin text) returns integer language plpgsql as $$
-- A return names one invoice; what it takes back is held against all invoices of the same web order,
-- line by line of the store, less what was returned before. The invoice's row keeps two returns apart.
declare original record;
begin
    perform from sop10100 where soptype = 3 and sopnumbe = origin for update;
    perform from sop30200 where soptype = 3 and sopnumbe = origin for update;
    select * into original from sales_documents where soptype = 3 and sopnumbe = origin;
    if original.sopnumbe is null or original.voidstts <> 0 then return 90423; end if;
    if exists (
        with family as (
            select sopnumbe from sales_documents
            where soptype = 3 and voidstts = 0 and docid = original.docid and custnmbr = original.custnmbr
              and (sopnumbe = origin or (original.cstponbr <> ''
                   and split_part(cstponbr, '/', 1) = split_part(original.cstponbr, '/', 1)))
        ), every_line as (
            select * from sop10200 union all select * from sop30300
        ), invoiced as (
            select itemnmbr, split_part(integrationid, '/', 1) mark, sum(quantity - qtycance) units
            from every_line where soptype = 3 and sopnumbe in (select sopnumbe from family) group by 1, 2
        ), return_line as (
            select itemnmbr, split_part(integrationid, '/', 1) mark, quantity, xtndprce
            from every_line l where soptype = 4 and noninven = 0 and (sopnumbe = return_number or exists (
                select from sales_documents d where d.soptype = 4 and d.sopnumbe = l.sopnumbe and d.voidstts = 0
                  and d.origtype = 3 and d.orignumb in (select sopnumbe from family)))
        ), returned as (
            select itemnmbr, mark, sum(quantity) units from return_line group by 1, 2
        )
        select from returned r left join invoiced i using (itemnmbr, mark)
        where i.itemnmbr is null or r.units > i.units
            or (select sum(xtndprce) from return_line)
                > (select sum(xtndprce) from every_line where soptype = 3 and sopnumbe in (select sopnumbe from family))
    ) then return 90422; end if;
    return 0;
end $$;

create function tasophdrivcinsert(p jsonb, out o_ierrorstate integer, out oerrstring varchar)
language plpgsql as $$
declare
    codes integer[] := '{}'; fault integer;
    kind integer := (p ->> 'SOPTYPE')::integer; number text := p ->> 'SOPNUMBE';
    batch text := p ->> 'BACHNUMB'; currency text;
    subtotal_ numeric; freight numeric; misc numeric; discount numeric; tax numeric; amount numeric; received numeric;
    freight_tax numeric; misc_tax numeric;
    changing boolean := coalesce((p ->> 'UpdateExisting')::integer, 0) = 1 and document_exists(kind, number);
    held sop10100; why_not integer;
    origin_type integer := coalesce((p ->> 'ORIGTYPE')::integer, 0); origin text := coalesce(p ->> 'ORIGNUMB', '');
    customer rm00101; lines_ integer; line_sum numeric; payments numeric; deposits numeric; taxes record; seller rm00301;
    transfer integer; terms text; net_days integer; due date;
begin
    fault := econnect_begin('taSopHdrIvcInsert', p);
    if fault <> 0 then codes := codes || fault; end if;
    if not exists (select from sop40200 where soptype = kind and docid = p ->> 'DOCID') then codes := codes || 90401; end if;
    if changing then
        why_not := why_not_changeable(kind, number, 90424, 90414);
        if why_not <> 0 then codes := codes || case why_not when 2079 then 2022 else why_not end; end if;
        select * into held from sop10100 where soptype = kind and sopnumbe = number for update;
        if held.custnmbr <> p ->> 'CUSTNMBR' then codes := codes || 90425; end if;
    elsif document_exists(kind, number) then
        codes := codes || case when document_is_open(kind, number) then 2022 else 90402 end;
    end if;
    -- What a change does not mention stays as it is (held is empty for a new document).
    currency := coalesce(nullif(p ->> 'CURNCYID', ''), held.curncyid, (select funlcurr from mc40000));
    subtotal_ := coalesce((p ->> 'SUBTOTAL')::numeric, held.subtotal, 0);
    freight := coalesce((p ->> 'FREIGHT')::numeric, held.frtamnt, 0);
    misc := coalesce((p ->> 'MISCAMNT')::numeric, held.miscamnt, 0);
    discount := coalesce((p ->> 'TRDISAMT')::numeric, held.trdisamt, 0);
    tax := coalesce((p ->> 'TAXAMNT')::numeric, held.taxamnt, 0);
    amount := coalesce((p ->> 'DOCAMNT')::numeric, held.docamnt, 0);
    received := coalesce((p ->> 'PYMTRCVD')::numeric, held.pymtrcvd, 0);
    freight_tax := coalesce((p ->> 'FRTTXAMT')::numeric, held.frttxamt, 0);
    misc_tax := coalesce((p ->> 'MSCTXAMT')::numeric, held.msctxamt, 0);
    select * into customer from rm00101 where custnmbr = p ->> 'CUSTNMBR';
    if customer.custnmbr is null then codes := codes || 90404;
    elsif exists (
        select from (values (p ->> 'PRBTADCD'), (p ->> 'PRSTADCD')) given (code)
        where coalesce(code, '') <> '' and not exists (
            select from rm00102 where custnmbr = customer.custnmbr and adrscode = code)
    ) then codes := codes || 90416;
    end if;

    select count(*), coalesce(sum(xtndprce), 0) into lines_, line_sum from sop10200 where soptype = kind and sopnumbe = number;
    if lines_ = 0 and subtotal_ = 0 then codes := codes || 90403; end if;
    if line_sum <> subtotal_ then codes := codes || 67; end if;
    if least(subtotal_, freight, misc, discount, tax, amount, received) < 0 then codes := codes || 90420; end if;
    if amount <> subtotal_ - discount + freight + misc + tax then codes := codes || 90405; end if;
    select coalesce(sum(amntpaid), 0), coalesce(sum(amntpaid) filter (where pymttype <= 3), 0) into payments, deposits
        from sop10103 where soptype = kind and sopnumbe = number;
    if payments <> received then codes := codes || 90406; end if;
    if received > amount then codes := codes || 90407; end if;
    select coalesce(sum(staxamnt), 0) + coalesce(sum(frttxamt), 0) + coalesce(sum(msctxamt), 0) total,
           coalesce(sum(frttxamt), 0) freight, coalesce(sum(msctxamt), 0) misc
        into taxes from sop10105 where soptype = kind and sopnumbe = number;
    if taxes.total <> tax then codes := codes || 90408; end if;
    if taxes.freight <> freight_tax or taxes.misc <> misc_tax then
        codes := codes || 90409;
    end if;
    if coalesce((p ->> 'CREATETAXES')::integer, 0) <> 0 then codes := codes || 90417; end if;

    if coalesce(p ->> 'SHIPMTHD', '') <> '' and not exists (select from sy03000 where shipmthd = p ->> 'SHIPMTHD') then
        codes := codes || 90410;
    end if;
    if coalesce(p ->> 'LOCNCODE', '') <> '' and not exists (select from iv40700 where locncode = p ->> 'LOCNCODE') then
        codes := codes || 90411;
    end if;
    terms := coalesce(nullif(p ->> 'PYMTRMID', ''), held.pymtrmid, customer.pymtrmid, '');
    select duedtds into net_days from sy03300 where pymtrmid = terms;
    if terms <> '' and net_days is null then codes := codes || 90426; end if;
    due := coalesce((p ->> 'DUEDATE')::date, nullif(held.duedate, '1900-01-01'),
        case when kind in (2, 3) then (p ->> 'DOCDATE')::date + coalesce(net_days, 0) end, '1900-01-01');
    if currency_places(currency) is null then codes := codes || 90412;
    elsif currency <> (select funlcurr from mc40000) and coalesce((p ->> 'XCHGRATE')::numeric, 0) = 0 then
        codes := codes || 90418;
    end if;
    if coalesce(p ->> 'SLPRSNID', '') <> '' then
        select * into seller from rm00301 where slprsnid = p ->> 'SLPRSNID';
        if seller.slprsnid is null then codes := codes || 90421;
        elsif seller.inactive <> 0 then codes := codes || 9539;
        end if;
    end if;
    if origin <> '' and not document_exists(origin_type, origin) then codes := codes || 90415; end if;
    if exists (select from sop10102 where soptype = kind and sopnumbe = number having sum(debitamt) <> sum(crdtamnt)) then
        codes := codes || 90904;
    end if;

    -- The batch comes last: its row stays locked until the document is committed, as in GP.
    if cardinality(codes) = 0 and changing then perform leave_batch(kind, number); end if;
    if cardinality(codes) = 0 then
        update sy00500 set numoftrx = numoftrx + 1, bchtotal = bchtotal + amount, modifdt = current_date
            where bchsourc = 'Sales Entry' and bachnumb = batch;
        if not found then codes := codes || 90413;
        elsif batch_is_busy(batch) then codes := codes || 90414;
        end if;
    end if;

    if cardinality(codes) = 0 and changing then
        update sop10100 set bachnumb = batch, docdate = (p ->> 'DOCDATE')::date, cstponbr = coalesce(p ->> 'CSTPONBR', cstponbr),
            custname = coalesce(nullif(p ->> 'CUSTNAME', ''), custname), shiptoname = coalesce(p ->> 'ShipToName', shiptoname),
            cntcprsn = coalesce(p ->> 'CNTCPRSN', cntcprsn), address1 = coalesce(p ->> 'ADDRESS1', address1),
            address2 = coalesce(p ->> 'ADDRESS2', address2), address3 = coalesce(p ->> 'ADDRESS3', address3),
            city = coalesce(p ->> 'CITY', city), state = coalesce(p ->> 'STATE', state), zipcode = coalesce(p ->> 'ZIPCODE', zipcode),
            country = coalesce(p ->> 'COUNTRY', country), phnumbr1 = coalesce(p ->> 'PHNUMBR1', phnumbr1),
            pymtrmid = terms, duedate = due, txrgnnum = coalesce(p ->> 'TXRGNNUM', txrgnnum), shipmthd = coalesce(p ->> 'SHIPMTHD', shipmthd), locncode = coalesce(p ->> 'LOCNCODE', locncode),
            subtotal = subtotal_, trdisamt = discount, frtamnt = freight, miscamnt = misc, taxamnt = tax, frttxamt = taxes.freight,
            msctxamt = taxes.misc, docamnt = amount, pymtrcvd = received, deprecvd = deposits, acctamnt = amount - received,
            refrence = coalesce(p ->> 'REFRENCE', refrence), integrationid = coalesce(p ->> 'INTEGRATIONID', integrationid),
            dex_row_ts = now() at time zone 'utc'
            where soptype = kind and sopnumbe = number;
        if kind = 2 and not exists (select from sop10200 where soptype = 2 and sopnumbe = number and qtyremai > 0)
            and exists (select from sop10200 where soptype = 2 and sopnumbe = number and qtyprinv > 0)
        then
            perform leave_batch(2, number);
            perform document_to_history(2, number);
        end if;
    elsif cardinality(codes) = 0 then
        insert into sop10100 (
            soptype, sopnumbe, origtype, orignumb, docid, docdate, ordrdate, invodate, bachnumb, custnmbr, custname, cstponbr,
            prbtadcd, prstadcd, shiptoname, cntcprsn, address1, address2, address3, city, state, zipcode, country, phnumbr1,
            shipmthd, locncode, taxschid, pymtrmid, duedate, txrgnnum, slprsnid, curncyid, xchgrate, subtotal, trdisamt, frtamnt, miscamnt, taxamnt,
            frttxamt, msctxamt, docamnt, pymtrcvd, deprecvd, acctamnt, refrence, user2ent, integrationid
        ) values (
            kind, number, origin_type, origin, p ->> 'DOCID', (p ->> 'DOCDATE')::date,
            coalesce((p ->> 'ORDRDATE')::date, '1900-01-01'), case when kind = 3 then (p ->> 'DOCDATE')::date else '1900-01-01' end,
            batch, customer.custnmbr, coalesce(nullif(p ->> 'CUSTNAME', ''), customer.custname), coalesce(p ->> 'CSTPONBR', ''),
            coalesce(p ->> 'PRBTADCD', customer.prbtadcd), coalesce(p ->> 'PRSTADCD', customer.prstadcd),
            coalesce(p ->> 'ShipToName', customer.custname), coalesce(p ->> 'CNTCPRSN', ''),
            coalesce(p ->> 'ADDRESS1', customer.address1), coalesce(p ->> 'ADDRESS2', customer.address2),
            coalesce(p ->> 'ADDRESS3', customer.address3), coalesce(p ->> 'CITY', customer.city),
            coalesce(p ->> 'STATE', customer.state), coalesce(p ->> 'ZIPCODE', customer.zip),
            coalesce(p ->> 'COUNTRY', customer.country), coalesce(p ->> 'PHNUMBR1', customer.phone1),
            coalesce(p ->> 'SHIPMTHD', customer.shipmthd), coalesce(p ->> 'LOCNCODE', ''), coalesce(p ->> 'TAXSCHID', ''),
            terms, due, coalesce(p ->> 'TXRGNNUM', ''), coalesce(p ->> 'SLPRSNID', ''), currency, coalesce((p ->> 'XCHGRATE')::numeric, 0), subtotal_, discount, freight, misc,
            tax, taxes.freight, taxes.misc, amount, received, deposits, amount - received, coalesce(p ->> 'REFRENCE', ''),
            coalesce(p ->> 'USER2ENT', ''), coalesce(p ->> 'INTEGRATIONID', '')
        );
        if p ?| array['CMMTTEXT', 'COMMENT_1'] then
            insert into sop10106 values (kind, number, coalesce(p ->> 'CMMTTEXT', ''), coalesce(p ->> 'COMMENT_1', ''));
        end if;
        if kind = 4 and origin <> '' then
            transfer := case origin_type when 3 then return_exceeds_invoice(number, origin) else 90423 end;
            if transfer <> 0 then codes := codes || transfer; end if;
        end if;
        if kind = 3 and origin_type = 2 and exists (select from sop10100 where soptype = 2 and sopnumbe = origin) then
            transfer := transfer_order(origin, number);
            if transfer <> 0 then codes := codes || transfer; end if;
        end if;
    end if;
    select * into o_ierrorstate, oerrstring from econnect_result(codes);
end $$;

create function tasopvoiddocument(p jsonb, out o_ierrorstate integer, out oerrstring varchar)
language plpgsql as $$
declare
    codes integer[] := '{}'; fault integer; kind integer := (p ->> 'SOPTYPE')::integer; number text := p ->> 'SOPNUMBE';
    held sop10100;
begin
    fault := econnect_begin('taSopVoidDocument', p);
    if fault <> 0 then codes := codes || fault; end if;
    select * into held from sop10100 where soptype = kind and sopnumbe = number for update;
    if held.sopnumbe is null then codes := codes || 90801;
    elsif document_is_open(kind, number) then codes := codes || 2079;
    elsif batch_is_busy(held.bachnumb) then codes := codes || 90414;
    elsif held.pymtrcvd > 0 and coalesce((p ->> 'RemovePayments')::integer, 0) <> 1 then codes := codes || 90802;
    elsif exists (select from sop10200 where soptype = kind and sopnumbe = number and qtyprinv > 0) then codes := codes || 90803;
    end if;
    if cardinality(codes) = 0 then
        perform release_stock(kind, number);
        perform leave_batch(kind, number);
        if kind = 3 and held.origtype = 2 and held.orignumb <> '' then perform restore_order(held.orignumb, number); end if;
        delete from sop10103 where soptype = kind and sopnumbe = number;
        update sop10100 set voidstts = 1, pymtrcvd = 0, deprecvd = 0, dex_row_ts = now() at time zone 'utc'
            where soptype = kind and sopnumbe = number;
        perform document_to_history(kind, number);
    end if;
    select * into o_ierrorstate, oerrstring from econnect_result(codes);
end $$;

create function tasoptrackingnum(p jsonb, out o_ierrorstate integer, out oerrstring varchar)
language plpgsql as $$
declare codes integer[] := '{}'; fault integer; kind integer := (p ->> 'SOPTYPE')::integer;
begin
    fault := econnect_begin('taSopTrackingNum', p);
    if fault <> 0 then codes := codes || fault; end if;
    if not document_exists(kind, p ->> 'SOPNUMBE') then codes := codes || 91001; end if;
    if cardinality(codes) = 0 then
        insert into sop10107 values (kind, p ->> 'SOPNUMBE', p ->> 'Tracking_Number') on conflict do nothing;
    end if;
    select * into o_ierrorstate, oerrstring from econnect_result(codes);
end $$;
