"""The staging database: tables, migrations, bulk loading and repositories, on PostgreSQL."""
