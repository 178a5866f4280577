#!/bin/sh
# The command trustsvc on a server, with the settings and the user of the service; root runs it.
# Install it: install -m 755 /opt/trustsvc/deploy/trustsvc.sh /usr/local/bin/trustsvc
# Settings are read line by line and not by the shell: a value may hold spaces, $ and quotes.
while IFS= read -r line || [ -n "$line" ]; do
  case "$line" in
    [A-Z]*=*) export "$line" ;;
  esac
done < "${TRUSTSVC_ENV_FILE:-/etc/trustsvc/trustsvc.env}"
exec setpriv --reuid=trustsvc --regid=trustsvc --init-groups /opt/trustsvc/.venv/bin/trustsvc "$@"
