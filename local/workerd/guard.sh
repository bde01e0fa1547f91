#!/bin/sh
# Runs workerd ($STOWAGE_WORKERD) in this process and ends it when the parent is gone, even when the
# parent was killed and could clean up nothing. The watcher holds none of workerd's pipes.
parent=$PPID
(
  while kill -0 "$parent" 2>/dev/null && kill -0 $$ 2>/dev/null; do sleep 1; done
  kill -9 $$ 2>/dev/null
) </dev/null >/dev/null 2>&1 3>&- &
exec "$STOWAGE_WORKERD" "$@"
