"""The report as a page that is served to a browser on this machine, and looks at AWS again when it is reloaded."""
