-- A link shows whose the address is. These show that whoever uses it is who registered: otherwise the owner of an address
-- would open an account whose password somebody else has chosen.
ALTER TABLE registrations
  -- SHA-256 of what the registration was answered with; null in rows from before, which their password alone confirms.
  ADD COLUMN registration_hash text,
  -- Passwords that were tried with the link.
  ADD COLUMN tries             smallint NOT NULL DEFAULT 0;
