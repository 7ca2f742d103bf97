-- Who asked for an account and has not shown yet that the address is theirs. Until then there is no account.
CREATE TABLE registrations (
  -- SHA-256 of the token in the mail; `unsent:` and SHA-256 of the address where nobody was sent one.
  token_hash    text PRIMARY KEY,
  email         text NOT NULL,
  password_hash text NOT NULL,
  created_at    timestamptz NOT NULL,
  expires_at    timestamptz NOT NULL
);

CREATE INDEX registrations_email ON registrations (lower(email));
CREATE INDEX registrations_expiry ON registrations (expires_at);
