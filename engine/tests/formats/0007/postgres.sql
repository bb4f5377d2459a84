
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE public.activations (
    id uuid NOT NULL,
    workflow text NOT NULL,
    version uuid NOT NULL,
    status text NOT NULL,
    accepts boolean NOT NULL,
    registration bytea NOT NULL,
    error text
);

CREATE TABLE public.connections (
    kind text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    credentials bytea NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);

CREATE TABLE public.dedupe (
    workflow text NOT NULL,
    key text NOT NULL,
    run uuid NOT NULL,
    at bigint NOT NULL,
    answer bytea
);

CREATE TABLE public.inbox (
    run uuid NOT NULL,
    arrival bigint NOT NULL,
    record bigint NOT NULL,
    execution bigint NOT NULL,
    at bigint NOT NULL,
    postponed bigint
);

ALTER TABLE public.inbox ALTER COLUMN arrival ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.inbox_arrival_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.journal (
    id bigint NOT NULL,
    run uuid NOT NULL,
    previous bigint,
    at bigint NOT NULL,
    body bytea NOT NULL
);

CREATE TABLE public.keys (
    fingerprint bytea NOT NULL
);

CREATE TABLE public.migrations (
    number bigint NOT NULL,
    checksum bytea NOT NULL
);

CREATE TABLE public.once (
    run uuid NOT NULL,
    execution bigint NOT NULL,
    name text NOT NULL,
    value bytea NOT NULL
);

CREATE TABLE public.operations (
    id uuid NOT NULL,
    state bytea NOT NULL,
    sequence bigint NOT NULL,
    owner bigint,
    created_at bigint NOT NULL,
    finished_at bigint
);

CREATE TABLE public.places (
    arrival bigint NOT NULL,
    run uuid NOT NULL,
    workflow text NOT NULL,
    key text NOT NULL,
    most bigint NOT NULL,
    given boolean DEFAULT false NOT NULL,
    taken_up boolean DEFAULT false NOT NULL
);

ALTER TABLE public.places ALTER COLUMN arrival ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.places_arrival_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.processes (
    epoch bigint NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

ALTER TABLE public.processes ALTER COLUMN epoch ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.processes_epoch_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.promises (
    fingerprint bytea NOT NULL,
    block text NOT NULL,
    manifest text NOT NULL
);

CREATE TABLE public.reliances (
    fingerprint bytea NOT NULL,
    version uuid NOT NULL
);

CREATE TABLE public.removals (
    run uuid NOT NULL,
    head bigint NOT NULL
);

CREATE TABLE public.runs (
    id uuid NOT NULL,
    workflow text NOT NULL,
    version uuid NOT NULL,
    status text NOT NULL,
    state bytea NOT NULL,
    sequence bigint NOT NULL,
    head bigint NOT NULL,
    due_at bigint,
    owner bigint,
    created_at bigint NOT NULL,
    finished_at bigint,
    parent uuid
)
WITH (fillfactor='70');

CREATE TABLE public.tokens (
    hash bytea NOT NULL,
    name text NOT NULL,
    created_at bigint NOT NULL
);

CREATE TABLE public.versions (
    id uuid NOT NULL,
    workflow text NOT NULL,
    number bigint NOT NULL,
    definition text NOT NULL,
    created_at bigint NOT NULL
);

CREATE TABLE public.workflows (
    id text NOT NULL,
    title text NOT NULL,
    draft text NOT NULL,
    state bytea NOT NULL,
    sequence bigint NOT NULL,
    owners bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);

INSERT INTO public.activations VALUES ('01a21f22-7461-72b1-a613-5be0f44e9885', 'flow', '01a21f22-7461-72b1-a613-5bdf8d095e1b', 'active', true, '\x01fc08c6cf3f26a1167c84786c87b470561cf9b7b30eb2f9892c3f205b5656f1b978e71f9de82e7ab84d90c532', NULL);

INSERT INTO public.journal VALUES (1099511627776, '01a21f22-74a3-7700-923f-347f4f03abab', NULL, 1795818681507668, '\x7b22666f726d6174223a312c22656e7472696573223a5b7b226b696e64223a2272756e5f73746172746564222c2261637469766174696f6e223a2230316132316632322d373436312d373262312d613631332d356265306634346539383835222c226f7574636f6d65223a227265636569766564222c2264617461223a7b226d6574686f64223a22504f5354222c227175657279223a7b7d2c2268656164657273223a7b22616363657074223a222a2f2a222c22636f6e74656e742d6c656e677468223a223237222c22636f6e74656e742d74797065223a226170706c69636174696f6e2f6a736f6e222c22686f7374223a223132372e302e302e313a37343933222c22757365722d6167656e74223a226375726c2f372e38382e31227d2c22626f6479223a7b226e616d65223a22416461222c22636f756e74223a317d7d7d2c7b226b696e64223a22657865637574696f6e5f73746172746564222c22657865637574696f6e223a312c2273746570223a226e6f7465222c22626c6f636b223a22636f72652f736574222c22636f6e666967223a7b2276616c756573223a7b226e616d65223a22416461222c22636f756e74223a327d7d7d2c7b226b696e64223a22617474656d70745f73746172746564222c22657865637574696f6e223a312c22617474656d7074223a312c2268616e646c6572223a2265786563757465222c2272656c65617365223a22636f726520302e312e30227d5d7d');
INSERT INTO public.journal VALUES (1099511627777, '01a21f22-74a3-7700-923f-347f4f03abab', 1099511627776, 1795818681511791, '\x7b22666f726d6174223a312c22656e7472696573223a5b7b226b696e64223a22617474656d70745f656e646564222c22657865637574696f6e223a312c22617474656d7074223a312c2268616e646c6572223a2265786563757465222c22726573756c74223a7b22726573756c74223a226f7574636f6d65222c226f7574636f6d65223a22646f6e65222c2264617461223a7b22636f756e74223a322c226e616d65223a22416461227d7d7d2c7b226b696e64223a22657865637574696f6e5f73746172746564222c22657865637574696f6e223a322c2273746570223a2277616974222c22626c6f636b223a22636f72652f776169742d666f722d63616c6c6261636b222c22636f6e666967223a7b22776861745f666f72223a2274686520616e73776572206f6620416461227d7d2c7b226b696e64223a22617474656d70745f73746172746564222c22657865637574696f6e223a322c22617474656d7074223a312c2268616e646c6572223a2265786563757465222c2272656c65617365223a22636f726520302e312e30227d5d7d');
INSERT INTO public.journal VALUES (1099511627778, '01a21f22-74a3-7700-923f-347f4f03abab', 1099511627777, 1795818681515737, '\x7b22666f726d6174223a312c22656e7472696573223a5b7b226b696e64223a22617474656d70745f656e646564222c22657865637574696f6e223a322c22617474656d7074223a312c2268616e646c6572223a2265786563757465222c22726573756c74223a7b22726573756c74223a226465666572726564222c2277616974696e675f666f72223a7b2274657874223a2274686520616e73776572206f6620416461227d7d7d5d7d');
INSERT INTO public.journal VALUES (1099511627779, '01a21f22-74a3-7700-923f-347f4f03abab', 1099511627778, 1795818683598630, '\x7b22666f726d6174223a312c22656e7472696573223a5b7b226b696e64223a2263616c6c6261636b5f7265636569766564222c22657865637574696f6e223a322c2272657175657374223a7b226d6574686f64223a22504f5354222c2268656164657273223a5b5b22686f7374222c223132372e302e302e313a37343933225d2c5b22757365722d6167656e74222c226375726c2f372e38382e31225d2c5b22616363657074222c222a2f2a225d2c5b22636f6e74656e742d74797065222c226170706c69636174696f6e2f6a736f6e225d2c5b22636f6e74656e742d6c656e677468222c223137225d5d2c22626f6479223a2265794a68626e4e335a5849694f6941696557567a496e303d227d7d5d7d');
INSERT INTO public.journal VALUES (1099511627780, '01a21f22-74a3-7700-923f-347f4f03abab', 1099511627779, 1795818683599536, '\x7b22666f726d6174223a312c22656e7472696573223a5b7b226b696e64223a22617474656d70745f73746172746564222c22657865637574696f6e223a322c22617474656d7074223a322c2268616e646c6572223a2266696e697368222c2263616c6c6261636b223a313039393531313632373737392c2272656c65617365223a22636f726520302e312e30227d5d7d');
INSERT INTO public.journal VALUES (1099511627781, '01a21f22-74a3-7700-923f-347f4f03abab', 1099511627780, 1795818683601745, '\x7b22666f726d6174223a312c22656e7472696573223a5b7b226b696e64223a22617474656d70745f656e646564222c22657865637574696f6e223a322c22617474656d7074223a322c2268616e646c6572223a2266696e697368222c22726573756c74223a7b22726573756c74223a226f7574636f6d65222c226f7574636f6d65223a227265636569766564222c2264617461223a7b22626f6479223a7b22616e73776572223a22796573227d7d7d7d2c7b226b696e64223a22657865637574696f6e5f73746172746564222c22657865637574696f6e223a332c2273746570223a22616e73776572222c22626c6f636b223a22636f72652f736574222c22636f6e666967223a7b2276616c756573223a7b22616e73776572223a22796573227d7d7d2c7b226b696e64223a22617474656d70745f73746172746564222c22657865637574696f6e223a332c22617474656d7074223a312c2268616e646c6572223a2265786563757465222c2272656c65617365223a22636f726520302e312e30227d5d7d');
INSERT INTO public.journal VALUES (1099511627782, '01a21f22-74a3-7700-923f-347f4f03abab', 1099511627781, 1795818683606033, '\x7b22666f726d6174223a312c22656e7472696573223a5b7b226b696e64223a22617474656d70745f656e646564222c22657865637574696f6e223a332c22617474656d7074223a312c2268616e646c6572223a2265786563757465222c22726573756c74223a7b22726573756c74223a226f7574636f6d65222c226f7574636f6d65223a22646f6e65222c2264617461223a7b22616e73776572223a22796573227d7d7d2c7b226b696e64223a2272756e5f656e646564222c22737461747573223a22636f6d706c65746564227d5d7d');
INSERT INTO public.journal VALUES (1099511627783, '01a21f22-84ce-702b-b723-cc2f9c7209cb', NULL, 1795818685646700, '\x7b22666f726d6174223a312c22656e7472696573223a5b7b226b696e64223a2272756e5f73746172746564222c2261637469766174696f6e223a2230316132316632322d373436312d373262312d613631332d356265306634346539383835222c226f7574636f6d65223a227265636569766564222c2264617461223a7b226d6574686f64223a22504f5354222c227175657279223a7b7d2c2268656164657273223a7b22616363657074223a222a2f2a222c22636f6e74656e742d6c656e677468223a223135222c22636f6e74656e742d74797065223a226170706c69636174696f6e2f6a736f6e222c22686f7374223a223132372e302e302e313a37343933222c22757365722d6167656e74223a226375726c2f372e38382e31227d2c22626f6479223a7b226e616d65223a22426f62227d7d7d2c7b226b696e64223a22657865637574696f6e5f73746172746564222c22657865637574696f6e223a312c2273746570223a226e6f7465222c22626c6f636b223a22636f72652f736574222c22636f6e666967223a6e756c6c7d2c7b226b696e64223a22657865637574696f6e5f6661696c6564222c22657865637574696f6e223a312c226d657373616765223a22636f6e666967206076616c7565732e636f756e74603a2060747269676765722e626f64792e636f756e74202b2031603a20747269656420746f20757365202b206f70657261746f72206f6e20756e737570706f7274656420747970657320756e646566696e656420616e64206e756d626572202860747269676765722e626f64792e636f756e746020697320756e646566696e656429227d2c7b226b696e64223a2272756e5f656e646564222c22737461747573223a226661696c6564222c226572726f72223a227374657020606e6f746560206661696c65643a20636f6e666967206076616c7565732e636f756e74603a2060747269676765722e626f64792e636f756e74202b2031603a20747269656420746f20757365202b206f70657261746f72206f6e20756e737570706f7274656420747970657320756e646566696e656420616e64206e756d626572202860747269676765722e626f64792e636f756e746020697320756e646566696e656429227d5d7d');
INSERT INTO public.journal VALUES (1099511627784, '01a21f22-8cb6-7642-b8b3-4a26157eabaa', NULL, 1795818687670254, '\x7b22666f726d6174223a312c22656e7472696573223a5b7b226b696e64223a2272756e5f73746172746564222c2261637469766174696f6e223a2230316132316632322d373436312d373262312d613631332d356265306634346539383835222c226f7574636f6d65223a227265636569766564222c2264617461223a7b226d6574686f64223a22504f5354222c227175657279223a7b7d2c2268656164657273223a7b22616363657074223a222a2f2a222c22636f6e74656e742d6c656e677468223a223238222c22636f6e74656e742d74797065223a226170706c69636174696f6e2f6a736f6e222c22686f7374223a223132372e302e302e313a37343933222c22757365722d6167656e74223a226375726c2f372e38382e31227d2c22626f6479223a7b226e616d65223a22457665222c22636f756e74223a34317d7d7d2c7b226b696e64223a22657865637574696f6e5f73746172746564222c22657865637574696f6e223a312c2273746570223a226e6f7465222c22626c6f636b223a22636f72652f736574222c22636f6e666967223a7b2276616c756573223a7b226e616d65223a22457665222c22636f756e74223a34327d7d7d2c7b226b696e64223a22617474656d70745f73746172746564222c22657865637574696f6e223a312c22617474656d7074223a312c2268616e646c6572223a2265786563757465222c2272656c65617365223a22636f726520302e312e30227d5d7d');
INSERT INTO public.journal VALUES (1099511627785, '01a21f22-8cb6-7642-b8b3-4a26157eabaa', 1099511627784, 1795818687678363, '\x7b22666f726d6174223a312c22656e7472696573223a5b7b226b696e64223a22617474656d70745f656e646564222c22657865637574696f6e223a312c22617474656d7074223a312c2268616e646c6572223a2265786563757465222c22726573756c74223a7b22726573756c74223a226f7574636f6d65222c226f7574636f6d65223a22646f6e65222c2264617461223a7b22636f756e74223a34322c226e616d65223a22457665227d7d7d2c7b226b696e64223a22657865637574696f6e5f73746172746564222c22657865637574696f6e223a322c2273746570223a2277616974222c22626c6f636b223a22636f72652f776169742d666f722d63616c6c6261636b222c22636f6e666967223a7b22776861745f666f72223a2274686520616e73776572206f6620457665227d7d2c7b226b696e64223a22617474656d70745f73746172746564222c22657865637574696f6e223a322c22617474656d7074223a312c2268616e646c6572223a2265786563757465222c2272656c65617365223a22636f726520302e312e30227d5d7d');
INSERT INTO public.journal VALUES (1099511627786, '01a21f22-8cb6-7642-b8b3-4a26157eabaa', 1099511627785, 1795818687683068, '\x7b22666f726d6174223a312c22656e7472696573223a5b7b226b696e64223a22617474656d70745f656e646564222c22657865637574696f6e223a322c22617474656d7074223a312c2268616e646c6572223a2265786563757465222c22726573756c74223a7b22726573756c74223a226465666572726564222c2277616974696e675f666f72223a7b2274657874223a2274686520616e73776572206f6620457665227d7d7d5d7d');

INSERT INTO public.keys VALUES ('\xd633012d51bf3fd054f3dfb8368b57f3ca9de291387ef5ada8b2491de59501eb');

INSERT INTO public.migrations VALUES (1, '\x4e78f24c1d5d8590e2a94d1661e5343fcefff4bcf61572163c379c48d22c11ab');
INSERT INTO public.migrations VALUES (2, '\x21e55e81dbc283c1542f0aa2b9a356c0c3cc9421bcc86de52341eca32f3538eb');
INSERT INTO public.migrations VALUES (3, '\x816ab7536e00aa0b4e184aa63301a4322bf717c677bdd1b1eb41a205bd3e70f4');
INSERT INTO public.migrations VALUES (4, '\xed2505dcb3548c3b205ae2257397c8ac684e4c8267bbdc63c0ee8c0dc990b899');
INSERT INTO public.migrations VALUES (5, '\xe8e5fb0754a4b785e1b01372445a0d04e15834a496e158d5166f54c217b96bdb');
INSERT INTO public.migrations VALUES (6, '\xdb907281d7489d01238b754f290da383a63525d25316864880d024bd83ea9955');
INSERT INTO public.migrations VALUES (7, '\x178a2faca307573f633cffbdfcd15ce899c138b6277b60c90c57e574877feb30');

INSERT INTO public.processes OVERRIDING SYSTEM VALUE VALUES (1, '2026-11-27 22:31:29.825286+00');

INSERT INTO public.promises VALUES ('\xb835971a44101030641633f4c1324a487ce2461faff6d315f92be03f1a6512c8', 'core/set', '{"id":"core/set","kind":"step","title":"core/set","handlers":["execute"],"config":{"title":"What to name.","type":"object","properties":{"values":{"title":"Values","description":"By name, each a constant or an expression.","type":"object","additionalProperties":true}},"additionalProperties":false,"required":["values"]},"outcomes":[{"id":"done","title":"Set","schema":{"title":"Map_of_AnyValue","type":"object","additionalProperties":true}}]}');
INSERT INTO public.promises VALUES ('\xd1dbe8fe624702a0a2f5c2f123b55d3255778942736d80cf06c9e82fe7a3b04a', 'core/wait-for-callback', '{"id":"core/wait-for-callback","kind":"step","title":"core/wait-for-callback","handlers":["execute","finish","wake"],"config":{"title":"How long to wait.","type":"object","properties":{"what_for":{"title":"What for","description":"In words for the people who see the run waiting.","type":["string","null"],"x-stepwell":{"placeholder":"the payment"}},"timeout":{"title":"At most","description":"Such as `7d`; without it there is no limit.","type":["string","null"],"format":"duration","x-stepwell-widget":"duration"}},"additionalProperties":false},"outcomes":[{"id":"received","title":"Received","schema":{"type":"object","properties":{"body":{"title":"The body: JSON where it is, otherwise text"}},"required":["body"]}},{"id":"timed_out","title":"Nothing came in time"}],"state":{"title":"null","type":"null"}}');
INSERT INTO public.promises VALUES ('\x0b48c3bad86faf39813b136373b24322f74c20d80d649cc3e54facc801b88297', 'core/webhook', '{"id":"core/webhook","kind":"trigger","title":"core/webhook","handlers":["activate","trigger","deactivate"],"config":{"title":"What to accept.","type":"object","properties":{"methods":{"title":"Methods","description":"Which requests are accepted; others are refused with 405.","type":"array","items":{"title":"The method of a request.","oneOf":[{"title":"GET","type":"string","const":"GET"},{"title":"HEAD","type":"string","const":"HEAD"},{"title":"POST","type":"string","const":"POST"},{"title":"PUT","type":"string","const":"PUT"},{"title":"PATCH","type":"string","const":"PATCH"},{"title":"DELETE","type":"string","const":"DELETE"}]},"minItems":1,"default":["POST"]},"signature":{"title":"Signature","description":"How the sender proves that it is the sender. Without one, whoever knows the URL can start runs.","anyOf":[{"title":"How a sender proves that it is the sender.","oneOf":[{"title":"GitHub","type":"object","properties":{"scheme":{"type":"string","const":"github"},"secret":{"title":"Secret","type":"string","writeOnly":true,"x-stepwell-widget":"secret"}},"additionalProperties":false,"required":["scheme","secret"]},{"title":"Slack","type":"object","properties":{"scheme":{"type":"string","const":"slack"},"secret":{"title":"Signing secret","type":"string","writeOnly":true,"x-stepwell-widget":"secret"}},"additionalProperties":false,"required":["scheme","secret"]},{"title":"Stripe","type":"object","properties":{"scheme":{"type":"string","const":"stripe"},"secret":{"title":"Endpoint secret","type":"string","writeOnly":true,"x-stepwell-widget":"secret"}},"additionalProperties":false,"required":["scheme","secret"]},{"title":"Standard Webhooks","type":"object","properties":{"scheme":{"type":"string","const":"standard_webhooks"},"secret":{"title":"Secret","type":"string","writeOnly":true,"x-stepwell-widget":"secret"}},"additionalProperties":false,"required":["scheme","secret"]},{"title":"HMAC-SHA256 of the body, in hexadecimal digits","type":"object","properties":{"scheme":{"type":"string","const":"hmac_sha256"},"header":{"title":"Header","type":"string"},"prefix":{"title":"What stands before the digits","type":["string","null"]},"secret":{"title":"Secret","type":"string","writeOnly":true,"x-stepwell-widget":"secret"}},"additionalProperties":false,"required":["scheme","header","secret"]}]},{"type":"null"}]},"response":{"title":"Response","description":"What answers a request that has started a run, once the run is stored; without it 202 and the run''s id.","type":["object","null"],"properties":{"status":{"title":"Status","description":"From 200 to 399: a redirect may lead somebody who has sent a form to another page.","type":"integer","format":"uint16","minimum":200,"maximum":399,"default":200},"headers":{"title":"Headers","type":"object","additionalProperties":{"type":"string"},"default":{}},"body":{"title":"Body","anyOf":[{"title":"The body of an answer.","oneOf":[{"title":"JSON","type":"object","properties":{"kind":{"type":"string","const":"json"},"value":{"title":"Value"}},"additionalProperties":false,"required":["kind","value"]},{"title":"Text","type":"object","properties":{"kind":{"type":"string","const":"text"},"text":{"title":"Text","type":"string"},"content_type":{"title":"Content type","description":"Such as `text/html`; plain text without one.","type":["string","null"]}},"additionalProperties":false,"required":["kind","text"]}]},{"type":"null"}]}},"additionalProperties":false}},"additionalProperties":false},"outcomes":[{"id":"received","title":"Received","schema":{"type":"object","properties":{"method":{"title":"The method","type":"string"},"query":{"title":"The query''s fields","type":"object","additionalProperties":{"type":"string"}},"headers":{"title":"The headers, their names in lower case","type":"object","additionalProperties":{"type":"string"}},"body":{"title":"The body: JSON where it is, otherwise text"}},"required":["method","query","headers","body"]}}],"registration":{"title":"null","type":"null"}}');

INSERT INTO public.reliances VALUES ('\xb835971a44101030641633f4c1324a487ce2461faff6d315f92be03f1a6512c8', '01a21f22-7461-72b1-a613-5bdf8d095e1b');
INSERT INTO public.reliances VALUES ('\xd1dbe8fe624702a0a2f5c2f123b55d3255778942736d80cf06c9e82fe7a3b04a', '01a21f22-7461-72b1-a613-5bdf8d095e1b');
INSERT INTO public.reliances VALUES ('\x0b48c3bad86faf39813b136373b24322f74c20d80d649cc3e54facc801b88297', '01a21f22-7461-72b1-a613-5bdf8d095e1b');

INSERT INTO public.runs VALUES ('01a21f22-74a3-7700-923f-347f4f03abab', 'flow', '01a21f22-7461-72b1-a613-5bdf8d095e1b', 'completed', '\x7b22666f726d6174223a312c22657865637574696f6e73223a332c2273697a65223a3135392c226c697665223a7b7d2c2276616c756573223a7b2274726967676572223a7b227265636f7264223a313039393531313632373737362c22656e747279223a307d7d2c2263616e63656c6c696e67223a66616c73652c226661696c757265223a6e756c6c2c22756e66696e6973686564223a5b5d2c22656e646564223a22636f6d706c65746564227d', 5, 1099511627782, NULL, NULL, 1795818681507668, 1795818683606033, NULL);
INSERT INTO public.runs VALUES ('01a21f22-84ce-702b-b723-cc2f9c7209cb', 'flow', '01a21f22-7461-72b1-a613-5bdf8d095e1b', 'failed', '\x7b22666f726d6174223a312c22657865637574696f6e73223a312c2273697a65223a302c226c697665223a7b7d2c2276616c756573223a7b2274726967676572223a7b227265636f7264223a313039393531313632373738332c22656e747279223a307d7d2c2263616e63656c6c696e67223a66616c73652c226661696c757265223a227374657020606e6f746560206661696c65643a20636f6e666967206076616c7565732e636f756e74603a2060747269676765722e626f64792e636f756e74202b2031603a20747269656420746f20757365202b206f70657261746f72206f6e20756e737570706f7274656420747970657320756e646566696e656420616e64206e756d626572202860747269676765722e626f64792e636f756e746020697320756e646566696e656429222c22756e66696e6973686564223a5b226e6f7465225d2c22656e646564223a226661696c6564227d', 0, 1099511627783, NULL, NULL, 1795818685646700, 1795818685646700, NULL);
INSERT INTO public.runs VALUES ('01a21f22-8cb6-7642-b8b3-4a26157eabaa', 'flow', '01a21f22-7461-72b1-a613-5bdf8d095e1b', 'waiting', '\x7b22666f726d6174223a312c22657865637574696f6e73223a322c2273697a65223a39332c226c697665223a7b2232223a7b2273746570223a2277616974222c22636f6e666967223a7b227265636f7264223a313039393531313632373738352c22656e747279223a317d2c22617474656d707473223a312c226661696c75726573223a302c22696e74657272757074696f6e73223a302c22646561646c696e655f6174223a6e756c6c2c226465666572726564223a22415a4a79306a6f59696d422b5172697067362b2f3248766e304f6e5171334c556b64366634774a6172685250527749614b4d4a6534665970596c5956222c2277616b655f6174223a6e756c6c2c2274656172646f776e223a6e756c6c2c227068617365223a2277616974696e67227d7d2c2276616c756573223a7b2274726967676572223a7b227265636f7264223a313039393531313632373738342c22656e747279223a307d7d2c2263616e63656c6c696e67223a66616c73652c226661696c757265223a6e756c6c2c22756e66696e6973686564223a5b5d2c22656e646564223a6e756c6c7d', 2, 1099511627786, NULL, NULL, 1795818687670254, NULL, NULL);

INSERT INTO public.tokens VALUES ('\x708a3633e91878bfae78fe1435d1ceb573320f046ae56e27cf68e9236f1a6d35', 'local admin', 1795818681113823);

INSERT INTO public.versions VALUES ('01a21f22-7461-72b1-a613-5bdf8d095e1b', 'flow', 1, '{"title":"Wait for an answer","trigger":{"block":"core/webhook","on":{"received":"note"}},"steps":{"note":{"block":"core/set","config":{"values":{"name":"{{ trigger.body.name }}","count":"{{ trigger.body.count + 1 }}"}},"on":{"done":"wait"}},"wait":{"block":"core/wait-for-callback","config":{"what_for":"the answer of {{ note.name }}"},"on":{"received":"answer"}},"answer":{"block":"core/set","config":{"values":{"answer":"{{ wait.body.answer }}"}},"on":{"done":"end"}}}}', 1795818681444793);

INSERT INTO public.workflows VALUES ('flow', 'Wait for an answer', '{"title":"Wait for an answer","trigger":{"block":"core/webhook","on":{"received":"note"}},"steps":{"note":{"block":"core/set","config":{"values":{"name":"{{ trigger.body.name }}","count":"{{ trigger.body.count + 1 }}"}},"on":{"done":"wait"}},"wait":{"block":"core/wait-for-callback","config":{"what_for":"the answer of {{ note.name }}"},"on":{"received":"answer"}},"answer":{"block":"core/set","config":{"values":{"answer":"{{ wait.body.answer }}"}},"on":{"done":"end"}}}}', '\x7b22666f726d6174223a312c2276657273696f6e73223a312c2261637469766174696f6e73223a5b7b226964223a2230316132316632322d373436312d373262312d613631332d356265306634346539383835222c2276657273696f6e223a2230316132316632322d373436312d373262312d613631332d356264663864303935653162222c22726567697374657273223a747275652c2261636365707473223a747275652c22647261696e735f756e74696c223a6e756c6c2c22756e77616e746564223a66616c73652c22726567697374726174696f6e223a22416677497873382f4a7145576649523462496530634659632b62657a44724c356953772f4946745756764735654f63666e6567756572684e6b4d5579222c226661696c75726573223a302c22696e74657272757074696f6e73223a302c226572726f72223a6e756c6c2c22737769746368223a227265706c616365222c226f7665726c6170706564223a66616c73652c22657870697265735f6174223a6e756c6c2c2272656e6577616c223a6e756c6c2c227469636b223a6e756c6c2c227068617365223a22616374697665227d5d2c226572726f72223a6e756c6c7d', 2, '{1}', 1795818681382216, 1795818681382216);

SELECT pg_catalog.setval('public.inbox_arrival_seq', 1, false);

SELECT pg_catalog.setval('public.places_arrival_seq', 1, false);

SELECT pg_catalog.setval('public.processes_epoch_seq', 1, true);

ALTER TABLE ONLY public.activations
    ADD CONSTRAINT activations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.connections
    ADD CONSTRAINT connections_pkey PRIMARY KEY (kind, name);

ALTER TABLE ONLY public.dedupe
    ADD CONSTRAINT dedupe_pkey PRIMARY KEY (workflow, key);

ALTER TABLE ONLY public.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (run, arrival);

ALTER TABLE ONLY public.journal
    ADD CONSTRAINT journal_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.keys
    ADD CONSTRAINT keys_pkey PRIMARY KEY (fingerprint);

ALTER TABLE ONLY public.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.once
    ADD CONSTRAINT once_pkey PRIMARY KEY (run, execution, name);

ALTER TABLE ONLY public.operations
    ADD CONSTRAINT operations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.places
    ADD CONSTRAINT places_pkey PRIMARY KEY (arrival);

ALTER TABLE ONLY public.places
    ADD CONSTRAINT places_run_key UNIQUE (run);

ALTER TABLE ONLY public.processes
    ADD CONSTRAINT processes_pkey PRIMARY KEY (epoch);

ALTER TABLE ONLY public.promises
    ADD CONSTRAINT promises_pkey PRIMARY KEY (fingerprint);

ALTER TABLE ONLY public.reliances
    ADD CONSTRAINT reliances_pkey PRIMARY KEY (fingerprint, version);

ALTER TABLE ONLY public.removals
    ADD CONSTRAINT removals_pkey PRIMARY KEY (run);

ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_pkey PRIMARY KEY (hash);

ALTER TABLE ONLY public.versions
    ADD CONSTRAINT versions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.versions
    ADD CONSTRAINT versions_workflow_number_key UNIQUE (workflow, number);

ALTER TABLE ONLY public.workflows
    ADD CONSTRAINT workflows_pkey PRIMARY KEY (id);

CREATE INDEX activations_by_version ON public.activations USING btree (version);

CREATE INDEX dedupe_by_time ON public.dedupe USING btree (at);

CREATE INDEX places_by_lane ON public.places USING btree (workflow, key, given, arrival);

CREATE INDEX places_to_take_up ON public.places USING btree (run) WHERE (given AND (NOT taken_up));

CREATE INDEX reliances_by_version ON public.reliances USING btree (version);

CREATE INDEX runs_by_status ON public.runs USING btree (status, id);

CREATE INDEX runs_by_version ON public.runs USING btree (version, finished_at, id);

CREATE INDEX runs_by_workflow ON public.runs USING btree (workflow, id);

CREATE INDEX runs_due ON public.runs USING btree (due_at) WHERE ((due_at IS NOT NULL) AND (owner IS NULL));

CREATE INDEX runs_owned ON public.runs USING btree (owner) WHERE (owner IS NOT NULL);

ALTER TABLE ONLY public.activations
    ADD CONSTRAINT activations_version_fkey FOREIGN KEY (version) REFERENCES public.versions(id);

ALTER TABLE ONLY public.activations
    ADD CONSTRAINT activations_workflow_fkey FOREIGN KEY (workflow) REFERENCES public.workflows(id);

ALTER TABLE ONLY public.reliances
    ADD CONSTRAINT reliances_fingerprint_fkey FOREIGN KEY (fingerprint) REFERENCES public.promises(fingerprint);

ALTER TABLE ONLY public.versions
    ADD CONSTRAINT versions_workflow_fkey FOREIGN KEY (workflow) REFERENCES public.workflows(id);

