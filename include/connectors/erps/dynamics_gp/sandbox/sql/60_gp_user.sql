-- What a person does in the GP client; eConnect cannot do any of it.

create function gp_begin_posting(batch text, person text default 'sa') returns void language plpgsql as $$
begin
    update sy00500 set bchsttus = 1 where bchsourc = 'Sales Entry' and bachnumb = batch;
    insert into dynamics.sy00800 values ('Sandbox', 'Sales Entry', batch, person) on conflict do nothing;
end $$;

create function gp_end_posting(batch text) returns void language plpgsql as $$
begin
    update sy00500 set bchsttus = 0 where bchsourc = 'Sales Entry' and bachnumb = batch;
    delete from dynamics.sy00800 where bchsourc = 'Sales Entry' and bachnumb = batch;
end $$;

create function gp_post_batch(batch text, person text default 'sa') returns integer language plpgsql as $$
-- Posts the invoices and returns of a batch; answers how many. What it is posted on is the batch's posting date, or the
-- document's own where the batch has none; in a closed period it is left. Orders stay in work.
declare document record; posted integer := 0;
begin
    perform gp_begin_posting(batch, person);
    for document in
        select d.soptype, d.sopnumbe, case when b.glpostdt > '1900-01-01' then b.glpostdt else d.docdate end as posted_on
        from sop10100 d join sy00500 b using (bchsourc, bachnumb)
        where d.bchsourc = 'Sales Entry' and d.bachnumb = batch and d.soptype in (3, 4)
          and not document_is_open(d.soptype, d.sopnumbe)
          and not exists (
              select from sy40100 f where f.series = 3 and f.closed <> 0
                and case when b.glpostdt > '1900-01-01' then b.glpostdt else d.docdate end between f.perioddt and f.perdendt)
        order by d.dex_row_id
    loop
        update iv00102 s set qtyonhnd = s.qtyonhnd - sold.quantity
        from (select itemnmbr, locncode, sum(qtytoinv) quantity from sop10200
              where soptype = document.soptype and sopnumbe = document.sopnumbe and noninven = 0 group by 1, 2) sold
        where document.soptype = 3 and s.itemnmbr = sold.itemnmbr
          and ((s.rcrdtype = 2 and s.locncode = sold.locncode) or s.rcrdtype = 1);
        update iv00102 s set qtyonhnd = s.qtyonhnd + came.on_hand, qtyrtrnd = s.qtyrtrnd + came.returned,
                qtyinuse = s.qtyinuse + came.in_use, qtyinsvc = s.qtyinsvc + came.in_service, qtydmged = s.qtydmged + came.damaged
        from (select itemnmbr, locncode, sum(qtyonhnd) on_hand, sum(qtyrtrnd) returned, sum(qtyinuse) in_use,
                     sum(qtyinsvc) in_service, sum(qtydmged) damaged from sop10200
              where soptype = document.soptype and sopnumbe = document.sopnumbe and noninven = 0 group by 1, 2) came
        where document.soptype = 4 and s.itemnmbr = came.itemnmbr
          and ((s.rcrdtype = 2 and s.locncode = came.locncode) or s.rcrdtype = 1);
        perform release_stock(document.soptype, document.sopnumbe);
        perform leave_batch(document.soptype, document.sopnumbe);
        update sop10100 set glpostdt = document.posted_on where soptype = document.soptype and sopnumbe = document.sopnumbe;
        insert into rm20101 (custnmbr, rmdtypal, docnumbr, docdate, glpostdt, ortrxamt, curtrxam, bachnumb)
            select custnmbr, case soptype when 3 then 1 else 8 end, sopnumbe, docdate, glpostdt, docamnt, acctamnt, bachnumb
            from sop10100 where soptype = document.soptype and sopnumbe = document.sopnumbe;
        perform document_to_history(document.soptype, document.sopnumbe);
        posted := posted + 1;
    end loop;
    perform gp_end_posting(batch);
    delete from sy00500 where bchsourc = 'Sales Entry' and bachnumb = batch and numoftrx = 0;
    return posted;
end $$;

create function gp_open_document(kind integer, number text) returns void language sql as $$
    insert into tempdb.dex_lock select 99, 'SOP10100', dex_row_id from sop10100 where soptype = kind and sopnumbe = number
$$;

create function gp_close_document(kind integer, number text) returns void language sql as $$
    delete from tempdb.dex_lock l using sop10100 d
    where d.dex_row_id = l.row_id and d.soptype = kind and d.sopnumbe = number
$$;

create view sales_documents as
    select 'work' as place, * from sop10100 union all select 'history', * from sop30200;
comment on view sales_documents is 'Every sales document, in work and in history.';
