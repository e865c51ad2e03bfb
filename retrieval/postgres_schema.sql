CREATE EXTENSION IF NOT EXISTS vector;
CREATE SCHEMA IF NOT EXISTS winnow;

CREATE TABLE winnow.version (version integer NOT NULL);

CREATE TABLE winnow.collections (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    embedder text,
    dimension integer,
    memory boolean NOT NULL,
    created_at bigint NOT NULL,
    hash bytea NOT NULL,
    UNIQUE (tenant, name)
);

-- Of the active documents; kept by whoever changes them, so that no search must count.
CREATE TABLE winnow.counts (
    collection_id bigint NOT NULL REFERENCES winnow.collections (id) ON DELETE CASCADE,
    kind text COLLATE "C" NOT NULL,
    num_searched bigint NOT NULL DEFAULT 0,
    num_searched_terms bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (collection_id, kind)
);

-- What each tenant's collections take, kept by whoever changes them.
CREATE TABLE winnow.tenants (
    tenant text COLLATE "C" PRIMARY KEY,
    num_bytes bigint NOT NULL
);

CREATE TABLE winnow.documents (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    collection_id bigint NOT NULL REFERENCES winnow.collections (id) ON DELETE CASCADE,
    source text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    status text NOT NULL,
    num_records integer NOT NULL,
    content_hash bytea NOT NULL,
    created_at bigint NOT NULL,
    hash bytea NOT NULL,
    num_bytes bigint NOT NULL DEFAULT 0,
    UNIQUE (collection_id, content_hash)
);

CREATE INDEX documents_by_id ON winnow.documents (collection_id, id);
-- By hash: a source may be longer than a B-tree takes.
CREATE INDEX documents_by_source ON winnow.documents USING hash (source);
CREATE INDEX documents_by_key ON winnow.documents USING hash (key);

CREATE TABLE winnow.records (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    collection_id bigint NOT NULL REFERENCES winnow.collections (id) ON DELETE CASCADE,
    document_id bigint NOT NULL REFERENCES winnow.documents (id) ON DELETE CASCADE,
    kind text COLLATE "C" NOT NULL,
    text text NOT NULL,
    question text,
    answer text,
    span_start bigint,
    span_end bigint,
    terms text NOT NULL,
    num_terms integer NOT NULL
        GENERATED ALWAYS AS (cardinality(string_to_array(terms, ' '))) STORED,
    vector vector,
    -- Whether its document is active: a search reads one table, whatever the planner thinks of it.
    is_searched boolean NOT NULL,
    hash bytea NOT NULL
);

CREATE INDEX records_by_document ON winnow.records (document_id);
CREATE INDEX records_by_collection ON winnow.records (collection_id, id);

-- Of the records that are searched only. A record's number of terms is repeated here, so that a
-- search by words reads no records, only the index.
CREATE TABLE winnow.postings (
    collection_id bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    term text COLLATE "C" NOT NULL,
    record_id bigint NOT NULL REFERENCES winnow.records (id) ON DELETE CASCADE,
    num_occurrences integer NOT NULL,
    num_terms integer NOT NULL,
    PRIMARY KEY (collection_id, kind, term, record_id) INCLUDE (num_occurrences, num_terms)
);

CREATE INDEX postings_by_record ON winnow.postings (record_id);

CREATE TABLE winnow.replies (
    id text COLLATE "C" PRIMARY KEY,
    tenant text COLLATE "C" NOT NULL,
    model text NOT NULL,
    strategy text NOT NULL,
    answer text,
    confidence float8,
    agreement float8,
    fallback text,
    num_tokens bigint NOT NULL,
    seconds float8 NOT NULL,
    is_right boolean,
    created_at float8 NOT NULL,
    source text NOT NULL,
    prompt text
);

CREATE INDEX replies_by_time ON winnow.replies (created_at);

CREATE TABLE winnow.verdicts (
    reply_id text COLLATE "C" PRIMARY KEY REFERENCES winnow.replies (id) ON DELETE CASCADE,
    is_right boolean NOT NULL,
    reference text,
    comment text,
    created_at float8 NOT NULL
);
