-- A trial may report in several streams, such as event files, each in its own order; '' is the only one of most trials.
ALTER TABLE observations ADD COLUMN stream text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE observations ADD COLUMN step bigint;
ALTER TABLE observations DROP CONSTRAINT observations_pkey;
ALTER TABLE observations ADD PRIMARY KEY (experiment, trial, stream, ordinal);

-- For how long an experiment has been worked on.
ALTER TABLE experiments ADD COLUMN worked_ms bigint NOT NULL DEFAULT 0;

-- What users want of an experiment while it is worked on: no further trials (1), and how single trials are to end.
ALTER TABLE experiments ADD COLUMN paused bigint NOT NULL DEFAULT 0;
ALTER TABLE trials ADD COLUMN wish text;

-- The attempts at a trial that have failed, as JSON.
ALTER TABLE trials ADD COLUMN failed_attempts text NOT NULL DEFAULT '[]';
