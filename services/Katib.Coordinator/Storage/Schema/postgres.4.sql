-- A trial may report in several streams, such as event files, each in its own order; '' is the only one of most trials.
ALTER TABLE observations ADD COLUMN stream text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE observations ADD COLUMN step bigint;
ALTER TABLE observations DROP CONSTRAINT observations_pkey;
ALTER TABLE observations ADD PRIMARY KEY (experiment, trial, stream, ordinal);
