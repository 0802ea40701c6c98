-- What is common to every procedure: parameter checks as SQL Server makes them, codes, faults.
create table sandbox_fault (
    fault_id integer generated always as identity primary key,
    procedure varchar(50) not null,
    kind varchar(20) not null
        check (kind in ('delay', 'error', 'deadlock', 'disconnect', 'hang_before_commit')),
    error_code integer not null default 0,
    delay_ms integer not null default 0,
    skip_calls integer not null default 0,
    times integer not null default 1
);
comment on table sandbox_fault is 'Sandbox only: faults to strike. Counted by a sequence each, so that a rolled-back call counts too.';

create function sandbox_fault_add(
    procedure text, kind text, error_code integer default 0, delay_ms integer default 0,
    skip_calls integer default 0, times integer default 1
) returns integer language plpgsql as $$
declare id integer;
begin
    insert into sandbox_fault (procedure, kind, error_code, delay_ms, skip_calls, times)
        values ($1, $2, $3, $4, $5, $6) returning fault_id into id;
    execute format('create sequence sandbox_fault_%s', id);
    return id;
end $$;

-- The sequences stay: dropping one would wait for whoever is in the middle of a call, and deadlock.
create function sandbox_faults_clear() returns void language sql as $$
    delete from sandbox_fault
$$;

create function sandbox_strike(called text) returns integer language plpgsql as $$
declare fault sandbox_fault; strike bigint;
begin
    for fault in select * from sandbox_fault f where f.procedure in (called, '*') order by fault_id loop
        strike := nextval(format('sandbox_fault_%s', fault.fault_id)::regclass);
        if strike <= fault.skip_calls or strike > fault.skip_calls + fault.times then continue; end if;
        case fault.kind
            when 'delay' then perform pg_sleep(fault.delay_ms / 1000.0);
            when 'error' then return fault.error_code;
            when 'deadlock' then
                raise exception 'deadlock victim (sandbox fault)' using errcode = '40P01';
            when 'disconnect' then perform pg_terminate_backend(pg_backend_pid());
            when 'hang_before_commit' then
                insert into sandbox_pending_hang values (fault.delay_ms);
        end case;
    end loop;
    return 0;
end $$;

create table sandbox_pending_hang (delay_ms integer not null);
create function sandbox_hang() returns trigger language plpgsql as $$
begin
    perform pg_sleep(new.delay_ms / 1000.0);
    delete from sandbox_pending_hang;
    return null;
end $$;
create constraint trigger sandbox_hang after insert on sandbox_pending_hang
    deferrable initially deferred for each row execute function sandbox_hang();
comment on table sandbox_pending_hang is 'Sandbox only: a row makes its transaction hang while it commits.';

create function econnect_begin(called text, p jsonb) returns integer language plpgsql as $$
declare wrong text; declared text;
begin
    select given.key, declared_as.type into wrong, declared
        from jsonb_each_text(p) as given
        left join econnect_parameter declared_as on declared_as.procedure = called and declared_as.name = given.key
        where declared_as.name is null
           or (declared_as.type like '%char%' and length(given.value) > declared_as.length)
           or (declared_as.type like 'numeric%' and scale(given.value::numeric) > declared_as.scale)
        limit 1;
    if wrong is not null and declared is null then
        raise exception '@I_v% is not a parameter for procedure %.', wrong, called using errcode = 'GP145';
    elsif wrong is not null then
        -- A real SQL Server cuts the value off in silence; the sandbox will not let that pass.
        raise exception 'String or number would be truncated: @I_v% of % is %.', wrong, called, declared
            using errcode = '22001';
    end if;
    select name into wrong from econnect_parameter
        where procedure = called and required and not p ? name limit 1;
    if wrong is not null then
        raise exception 'Procedure or function % expects parameter ''@I_v%'', which was not supplied.', called, wrong
            using errcode = 'GP201';
    end if;
    return sandbox_strike(called);
end $$;

create function econnect_result(
    codes integer[], out o_ierrorstate integer, out oerrstring varchar
) language sql immutable as $$
    select coalesce(codes[1], 0), left(array_to_string(codes, ' '), 255)
$$;

create function econnect(
    calls jsonb, out position_failed integer, out procedure_failed text,
    out o_ierrorstate integer, out oerrstring varchar
) language plpgsql as $$
-- Runs calls in order in the caller's transaction and stops at the first that fails, as eConnect's
-- own entry point does with the nodes of a document. An array of [procedure, parameters] pairs.
declare call jsonb; position integer := 0; procedure text;
begin
    o_ierrorstate := 0;
    oerrstring := '';
    for call in select value from jsonb_array_elements(calls) loop
        procedure := call ->> 0;
        if not exists (select from econnect_parameter e where e.procedure = call ->> 0) then
            raise exception 'Could not find stored procedure ''%''.', procedure using errcode = 'GP812';
        end if;
        execute format('select * from %I($1)', lower(procedure)) into o_ierrorstate, oerrstring using call -> 1;
        if o_ierrorstate <> 0 then
            position_failed := position;
            procedure_failed := procedure;
            return;
        end if;
        position := position + 1;
    end loop;
end $$;

create function econnect_document(calls jsonb) returns void language plpgsql as $$
-- All or nothing: the first error state becomes an exception, and takes the whole document with it.
declare outcome record;
begin
    select * into outcome from econnect(calls);
    if outcome.o_ierrorstate <> 0 then
        raise exception 'error state % from %', outcome.o_ierrorstate, outcome.procedure_failed
            using errcode = 'GPERR', detail = json_build_object(
                'procedure', outcome.procedure_failed, 'state', outcome.o_ierrorstate,
                'codes', outcome.oerrstring, 'position', outcome.position_failed)::text;
    end if;
end $$;
