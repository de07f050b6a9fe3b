"""DomainBed's files and tables: read its sweeps, choose as it does, write ours so it reads them."""
