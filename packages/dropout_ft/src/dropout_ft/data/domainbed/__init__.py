"""DomainBed's data sets, one file each; layouts and counts: ``dropout_ft.data.known``."""
