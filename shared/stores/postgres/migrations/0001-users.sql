-- Who can sign in. Every change leaves a row in audit, in the same transaction.
CREATE TABLE users (
  id              uuid PRIMARY KEY,
  email           text NOT NULL,
  password_hash   text NOT NULL,
  -- Rises whenever every session of the user must go.
  epoch           integer NOT NULL DEFAULT 1,
  -- Encrypted by the application; not in use before it is confirmed.
  totp_secret     text,
  totp_enabled_at timestamptz,
  totp_last_step  bigint,
  created_at      timestamptz NOT NULL,
  updated_at      timestamptz NOT NULL,
  CHECK (totp_enabled_at IS NULL OR (totp_secret IS NOT NULL AND totp_last_step IS NOT NULL))
);

-- One account for an address, however it is spelled.
CREATE UNIQUE INDEX users_email ON users (lower(email));

CREATE TABLE recovery_codes (
  user_id   uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  code_hash text NOT NULL,
  used_at   timestamptz,
  PRIMARY KEY (user_id, code_hash)
);

-- No foreign key: what happened to an account outlives it.
CREATE TABLE audit (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at      timestamptz NOT NULL,
  user_id uuid NOT NULL,
  action  text NOT NULL,
  detail  jsonb NOT NULL DEFAULT '{}'
);

CREATE INDEX audit_user ON audit (user_id, at);
