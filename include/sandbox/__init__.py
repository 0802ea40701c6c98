"""One place to start every sandbox: the store's server and the ERP's company database."""
