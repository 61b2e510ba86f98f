-- The tables of postgres.3.sql and postgres.4.sql. Character set and collation are the database's, which was set before.
-- Each statement is committed by itself, ends with a semicolon at the end of its line, and must bear being run again.
CREATE TABLE store (
  id varchar(12) NOT NULL PRIMARY KEY,
  version int NOT NULL
) ENGINE = InnoDB COMMENT = 'katib';
INSERT INTO store (id, version)
SELECT lower(hex(random_bytes(6))), 0 FROM (SELECT count(*) AS stores FROM store) AS made WHERE stores = 0;

-- One row for each experiment; conditions and settings_echo are JSON.
CREATE TABLE experiments (
  id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  namespace varchar(255) NOT NULL,
  name varchar(255) NOT NULL,
  manifest longtext NOT NULL,
  folder longtext NOT NULL,
  runner varchar(255) NOT NULL,
  started_at varchar(40) NOT NULL,
  ended_at varchar(40),
  conditions longtext NOT NULL,
  settings_echo longtext NOT NULL,
  worked_ms bigint NOT NULL DEFAULT 0,
  paused bigint NOT NULL DEFAULT 0,
  UNIQUE (namespace, name)
) ENGINE = InnoDB COMMENT = 'katib';

-- One row for each trial; assignments, observation and failed_attempts are JSON. `katib logs TRIAL` finds it by its name alone.
CREATE TABLE trials (
  experiment bigint NOT NULL,
  number int NOT NULL,
  name varchar(255) NOT NULL,
  assignments longtext NOT NULL,
  status varchar(255) NOT NULL,
  attempt int NOT NULL,
  reason longtext NOT NULL,
  message longtext NOT NULL,
  created_at varchar(40) NOT NULL,
  started_at varchar(40),
  ended_at varchar(40),
  observation longtext NOT NULL,
  wish varchar(255),
  failed_attempts longtext NOT NULL,
  PRIMARY KEY (experiment, number),
  INDEX trials_by_name (name),
  FOREIGN KEY (experiment) REFERENCES experiments (id) ON DELETE CASCADE
) ENGINE = InnoDB COMMENT = 'katib';

-- One row for each value that a trial has reported. A stream is bytes, since a text in a key could not be as long.
CREATE TABLE observations (
  experiment bigint NOT NULL,
  trial int NOT NULL,
  stream varbinary(3000) NOT NULL,
  ordinal bigint NOT NULL,
  metric longtext NOT NULL,
  value longtext NOT NULL,
  time varchar(40),
  step bigint,
  PRIMARY KEY (experiment, trial, stream, ordinal),
  FOREIGN KEY (experiment, trial) REFERENCES trials (experiment, number) ON DELETE CASCADE
) ENGINE = InnoDB COMMENT = 'katib';
