-- What the trials are run as.
ALTER TABLE experiments ADD COLUMN runner TEXT NOT NULL DEFAULT 'Process';

-- One row. The id is made with the store, and marks in other systems, such as a Docker daemon, what belongs to it.
CREATE TABLE store (
  id TEXT NOT NULL
) STRICT;
INSERT INTO store (id) VALUES (lower(hex(randomblob(6))));
