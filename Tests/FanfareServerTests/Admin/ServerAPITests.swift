import FanfareCore
import FanfareProtocols
import FanfareTestKit
import FanfareWire
import NIOCore
import Testing

@testable import FanfareServer

@Suite("Server API: publish")
struct ServerAPITests {
    /// A node's admin port on the real broker in memory, with one subscriber.
    private func withSubscriber(
        of channel: String = "c",
        limits: Limits = Limits(),
        _ body: (AdminPort, _ received: () -> [Publication], NodeMetrics) async throws -> Void
    ) async throws {
        let metrics = NodeMetrics(loops: 1)
        let broker = MemoryBroker(formats: FormatTable(), metrics: metrics.broker)
        let mailbox = Mailbox<BrokerEvent> {}
        broker.start(receivers: [mailbox])
        broker.subscribe(try ChannelName(channel), receiver: 0, ticket: 1)
        // The broker posts before it answers: what was published is in the mailbox when the HTTP answer is here.
        let received = {
            mailbox.take().compactMap { event -> Publication? in
                if case .publication(let prepared) = event { prepared.publication } else { nil }
            }
        }
        try await withAdminPort(.forTest(metrics: metrics, limits: limits, broker: broker)) { admin in
            try await body(admin, received, metrics)
        }
    }

    @Test(
        "data reaches a subscriber as the very bytes that came in",
        arguments: [
            #"{"b": 1,  "a":[1.0,1e2,-0.50]}"#, #""hi""#, "null", "true", "12345678901234567890.10", "[]",
            #""\ud800\u00e9""#,
            #"{"a":1,"a":2}"#, #""größe 😀""#, "{\n\t\"a\" : 1\r\n}",
        ]
    )
    func verbatim(data: String) async throws {
        try await withSubscriber { admin, received, metrics in
            let answer = try await admin.publish(#"{"channel":"c","data": \#(data) }"#)
            #expect(answer.status == 200)
            #expect(answer["content-type"] == "application/json")
            #expect(answer.body == #"{"result":{}}"#)
            let expected = Publication(
                channel: try ChannelName("c"),
                payload: Payload(text: data),
                publishedAt: 1_700_000_000_000_000
            )
            #expect(received() == [expected])
            #expect(metrics.shared.value(.apiPublications) == 1)
            #expect(metrics.shared.value(.apiErrors) == 0)
        }
    }

    @Test(
        "b64data reaches a subscriber as binary, and counts when data is there too",
        arguments: [
            #"{"channel":"c","b64data":"AP8B/g=="}"#, #"{"channel":"c","data":{},"b64data":"AP8B/g=="}"#,
        ]
    )
    func binary(body: String) async throws {
        try await withSubscriber { admin, received, _ in
            let answer = try await admin.publish(body)
            #expect(answer.body == #"{"result":{}}"#)
            #expect(received().map(\.payload) == [Payload(kind: .binary, bytes: ByteBuffer(bytes: [0, 255, 1, 254]))])
        }
    }

    @Test("null b64data and any way of writing the type are no errors")
    func lenient() async throws {
        try await withSubscriber { admin, received, _ in
            let body = #"{"channel":"c","data":1,"b64data":null}"#
            for type in ["application/json; charset=utf-8", "Application/JSON", "application/json;x=y"] {
                let answer = try await admin.publish(body, headers: ["Content-Type: \(type)"])
                #expect(answer.body == #"{"result":{}}"#)
            }
            #expect(received().count == 3)
        }
    }

    @Test(
        "a command that is wrong is a 400, one above a limit a 413, with Centrifugo's code",
        arguments: [
            (#"{"data":1}"#, 107, "'channel' must be a string"),
            (#"{"channel":7,"data":1}"#, 107, "'channel' must be a string"),
            (#"{"channel":"","data":1}"#, 107, "channel name is empty"),
            (#"{"channel":"*","data":1}"#, 107, "channel name holds U+002A, which is not allowed"),
            (#"{"channel":"cc","data":1}"#, 107, "channel name has 2 bytes, at most 1 are allowed"),
            (#"{"channel":"c"}"#, 107, "'data' (any JSON) or 'b64data' (Base64) must be there"),
            (#"{"channel":"c","b64data":"?"}"#, 107, "'b64data' must be a string of Base64"),
            (#"{"channel":"c","b64data":7}"#, 107, "'b64data' must be a string of Base64"),
            (#"{"channel":"c","data":"seventeen bytes"}"#, 106, "data is above the limit of 16 bytes"),
        ]
    )
    func wrongCommand(body: String, code: Int, message: String) async throws {
        var limits = Limits()
        limits.maxChannelNameBytes = 1
        limits.maxQueueBytes = 16
        try await withSubscriber(limits: limits) { admin, received, metrics in
            let answer = try await admin.publish(body)
            #expect(answer.status == (code == 106 ? 413 : 400))
            #expect(answer.body == #"{"error":{"code":\#(code),"message":"\#(message)"}}"#)
            #expect(received().isEmpty)
            #expect(metrics.shared.value(.apiErrors) == 1)
            #expect(metrics.shared.value(.apiPublications) == 0)
            let atLimit = try await admin.publish(#"{"channel":"c","data":"sixteen bytes "}"#)
            #expect(atLimit.body == #"{"result":{}}"#)
        }
    }

    @Test(
        "a body that is no JSON object is a 400",
        arguments: [
            "", "{", "[]", #"{"channel":"c","data":1}x"#, #"{"channel":"c","data":tru}"#, #""text""#,
            "channel=c&data=1",
        ]
    )
    func malformed(body: String) async throws {
        try await withSubscriber { admin, received, metrics in
            let answer = try await admin.publish(body)
            #expect(answer.status == 400)
            #expect(answer.body == #"{"error":{"code":107,"message":"the body must be a JSON object"}}"#)
            #expect(received().isEmpty)
            #expect(metrics.shared.value(.apiErrors) == 1)
        }
    }

    @Test("a body that is not UTF-8 is a 400 and reaches nobody")
    func notUTF8() async throws {
        try await withSubscriber { admin, received, _ in
            var bytes = ByteBuffer(
                string:
                    "POST /api/publish HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 28\r\n\r\n{\"channel\":\"c\",\"data\":\""
            )
            bytes.writeBytes([0xC3, 0x28, 0xFF, UInt8(ascii: "\""), UInt8(ascii: "}")])
            let answer = try await admin.send(bytes)
            #expect(answer.status == 400)
            #expect(received().isEmpty)
        }
    }

    @Test("a body above the limit is a 413, with its length told before or not")
    func tooLarge() async throws {
        var limits = Limits()
        limits.maxAPIBodyBytes = 100
        try await withSubscriber(limits: limits) { admin, received, metrics in
            let body = #"{"channel":"c","data":"\#(String(repeating: "x", count: 100))"}"#
            let error = #"{"error":{"code":106,"message":"the body is above the limit of 100 bytes"}}"#
            let whole = try await admin.publish(body)
            #expect(whole.status == 413 && whole.body == error)
            let length = String(body.utf8.count, radix: 16)
            let chunked = try await admin.send(
                ByteBuffer(
                    string:
                        "POST /api/publish HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                        + "\(length)\r\n\(body)\r\n0\r\n\r\n"
                )
            )
            #expect(chunked.status == 413 && chunked.body == error)
            #expect(received().isEmpty)
            #expect(metrics.shared.value(.apiErrors) == 2)
        }
    }

    @Test(
        "another type or a compressed body is a 415",
        arguments: [
            (
                "Content-Type: text/plain;charset=UTF-8",
                "the body must be application/json, not 'text/plain': send 'Content-Type: application/json'"
            ),
            (
                "Content-Type: multipart/form-data; boundary=x",
                "the body must be application/json, not 'multipart/form-data': send 'Content-Type: application/json'"
            ),
            ("Content-Encoding: gzip", "the body must not be compressed"),
        ]
    )
    func wrongType(header: String, message: String) async throws {
        try await withSubscriber { admin, received, _ in
            let answer = try await admin.publish(#"{"channel":"c","data":1}"#, headers: [header])
            #expect(answer.status == 415)
            #expect(answer.body == #"{"error":{"code":107,"message":"\#(message)"}}"#)
            #expect(received().isEmpty)
        }
    }

    @Test(
        "a broker that did not confirm is a 503 that says whether it may have been published",
        arguments: [
            (.unavailable, "not_published"), (.overloaded, "not_published"), (.unknownOutcome, "unknown"),
            (.refused("OOM \"now\""), "not_published"), (.refused("READONLY You can't write"), "not_published"),
            (.refused("odd answer"), "unknown"), (.refused("ERR Error running script"), "unknown"),
        ] as [(BrokerError, String)], ["", #","idempotency_key":"k""#]
    )
    func brokerAway(failure: (error: BrokerError, outcome: String), key: String) async throws {
        let metrics = NodeMetrics(loops: 1)
        let broker = ScriptedBroker { _ in .failure(failure.error) }
        try await withAdminPort(.forTest(metrics: metrics, broker: broker)) { admin in
            let answer = try await admin.publish(#"{"channel":"c","data":1\#(key)}"#)
            #expect(answer.status == 503)
            let words = "\(failure.error)".replacing("\"", with: "\\\"")
            let message =
                if failure.outcome == "not_published" {
                    "nothing was published: \(words)"
                } else if key.isEmpty {
                    "it may have been published: \(words); only with an idempotency_key is trying again safe"
                } else {
                    "it may have been published: \(words); try again with the same idempotency_key"
                }
            #expect(
                answer.body == #"{"error":{"code":100,"message":"\#(message)","outcome":"\#(failure.outcome)"}}"#)
            #expect(metrics.shared.value(.apiErrors) == 1)
            #expect(metrics.shared.value(.apiPublications) == 0)
        }
    }
}
