-- What user_version 5 adds: a row of the index names many entries, the first in its key, the others in `more` as varints of
-- what each adds to the one before. Thousands of small batches a second then make a few rows. Rows from before stay as they
-- are: they name one entry.
ALTER TABLE touch ADD COLUMN more BLOB;
