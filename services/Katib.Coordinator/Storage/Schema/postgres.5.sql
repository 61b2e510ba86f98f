-- What the tokens are made with that trials push their metrics with.
ALTER TABLE store ADD COLUMN secret text NOT NULL DEFAULT '';
UPDATE store SET secret = replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');

-- What a value that is pushed twice is known by; null for those that are read in the order in which they were written.
ALTER TABLE observations ADD COLUMN identity text COLLATE "C";
CREATE UNIQUE INDEX observations_by_identity ON observations (experiment, trial, identity) WHERE identity IS NOT NULL;

-- What an experiment waits for, since when a trial's reason holds, and when it last reported a value.
ALTER TABLE experiments ADD COLUMN note text;
ALTER TABLE trials ADD COLUMN reason_since text;
ALTER TABLE trials ADD COLUMN reported_at text;
