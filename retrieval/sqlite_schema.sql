CREATE TABLE collections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    embedder TEXT,
    dimension INTEGER,
    memory INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    -- Counts deletions: after one, what is held in memory of the collection must be read anew.
    num_changes INTEGER NOT NULL DEFAULT 0,
    hash BLOB NOT NULL,
    UNIQUE (tenant, name)
) STRICT;

-- What each tenant's collections take, kept by whoever changes them.
CREATE TABLE tenants (
    tenant TEXT PRIMARY KEY,
    num_bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE documents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    collection_id INTEGER NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
    source TEXT NOT NULL,
    key TEXT NOT NULL,
    status TEXT NOT NULL,
    num_records INTEGER NOT NULL,
    content_hash BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    hash BLOB NOT NULL,
    num_bytes INTEGER NOT NULL DEFAULT 0,
    UNIQUE (collection_id, content_hash)
) STRICT;

CREATE INDEX documents_by_source ON documents (collection_id, source);
CREATE INDEX documents_by_key ON documents (collection_id, key);

CREATE TABLE records (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    collection_id INTEGER NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
    document_id INTEGER NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    question TEXT,
    answer TEXT,
    span_start INTEGER,
    span_end INTEGER,
    terms TEXT NOT NULL,
    vector BLOB,
    hash BLOB NOT NULL
) STRICT;

CREATE INDEX records_by_document ON records (document_id);
CREATE INDEX records_by_collection ON records (collection_id, id);

CREATE TABLE replies (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    model TEXT NOT NULL,
    strategy TEXT NOT NULL,
    answer TEXT,
    confidence REAL,
    agreement REAL,
    fallback TEXT,
    num_tokens INTEGER NOT NULL,
    seconds REAL NOT NULL,
    is_right INTEGER,
    created_at REAL NOT NULL,
    source TEXT NOT NULL,
    prompt TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX replies_by_time ON replies (created_at);

CREATE TABLE verdicts (
    reply_id TEXT PRIMARY KEY REFERENCES replies (id) ON DELETE CASCADE,
    is_right INTEGER NOT NULL,
    reference TEXT,
    comment TEXT,
    created_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
