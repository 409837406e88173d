import FanfareCore
import FanfareTestKit
import FanfareWire
import Testing

@testable import FanfareServer

@Suite("Server API: broadcast")
struct BroadcastTests {
    @Test("all channels are published in their order before the first answer, and answered in their order")
    func order() async throws {
        let metrics = NodeMetrics(loops: 1)
        let names = (0..<ServerAPI.maximumBroadcast).map { "c\($0)" }
        // Answers come only when all have been published, the last first.
        let broker = ScriptedBroker(holdsUntil: names.count) { channel in
            channel.string == "c1" ? .failure(.overloaded) : .success(PublishReceipt())
        }
        try await withAdminPort(.forTest(metrics: metrics, broker: broker)) { admin in
            let list = names.map { "\"\($0)\"" }.joined(separator: ",")
            let answer = try await admin.broadcast(#"{"channels":[\#(list)],"data":{"a": 1}}"#)
            #expect(answer.status == 200)
            #expect(
                answer.body.hasPrefix(
                    #"{"result":{"responses":[{"result":{}},{"error":{"code":100,"message":"nothing was published: too "#
                )
            )
            #expect(answer.body.hasSuffix(#"},{"result":{}},{"result":{}}]}}"#))
            #expect(answer.body.split(separator: #"{"result":{}}"#, omittingEmptySubsequences: false).count == 1_000)
        }
        #expect(broker.published.map(\.channel.string) == names)
        #expect(broker.published.allSatisfy { $0.payload == Payload(text: #"{"a": 1}"#) })
        #expect(metrics.shared.value(.apiPublications) == names.count - 1)
        #expect(metrics.shared.value(.apiErrors) == 1)
    }

    @Test("a channel that is none has its own error, and the others are published")
    func wrongChannels() async throws {
        let broker = ScriptedBroker()
        try await withAdminPort(.forTest(broker: broker)) { admin in
            let answer = try await admin.broadcast(#"{"channels":["a","b*",7,"c"],"b64data":"AQ=="}"#)
            #expect(answer.status == 200)
            let badName = #"{"error":{"code":107,"message":"channel name holds U+002A, which is not allowed"}}"#
            let noName = #"{"error":{"code":107,"message":"channel is not a string"}}"#
            #expect(
                answer.body
                    == #"{"result":{"responses":[{"result":{}},\#(badName),\#(noName),{"result":{}}]}}"#
            )
        }
        #expect(broker.published.map(\.channel.string) == ["a", "c"])
        #expect(broker.published.allSatisfy { $0.payload.kind == .binary })
    }

    @Test("when no channel is one, each says why and nothing waits")
    func onlyWrongChannels() async throws {
        let broker = ScriptedBroker()
        try await withAdminPort(.forTest(broker: broker)) { admin in
            let answer = try await admin.broadcast(#"{"channels":["",""],"data":1}"#)
            let error = #"{"error":{"code":107,"message":"channel name is empty"}}"#
            #expect(answer.status == 200)
            #expect(answer.body == #"{"result":{"responses":[\#(error),\#(error)]}}"#)
        }
        #expect(broker.published.isEmpty)
    }

    @Test("nothing published because of the broker is a 503")
    func brokerAway() async throws {
        let broker = ScriptedBroker { _ in .failure(.unavailable) }
        try await withAdminPort(.forTest(broker: broker)) { admin in
            let answer = try await admin.broadcast(#"{"channels":["a","","b"],"data":1}"#)
            #expect(answer.status == 503)
            let message = "nothing was published: broker is not available, try again"
            #expect(answer.body == #"{"error":{"code":100,"message":"\#(message)","outcome":"not_published"}}"#)
        }
    }

    @Test("a broadcast of which one channel may have been published says so as a whole")
    func unknownOutcome() async throws {
        let broker = ScriptedBroker { .failure($0.string == "b" ? .unknownOutcome : .unavailable) }
        try await withAdminPort(.forTest(broker: broker)) { admin in
            let answer = try await admin.broadcast(#"{"channels":["a","b","c"],"data":1}"#)
            #expect(answer.status == 503)
            #expect(answer.body.contains(#""outcome":"unknown""#))
        }
    }

    @Test(
        "a broadcast that is wrong as a whole publishes nothing",
        arguments: [
            (#"{"data":1}"#, 400, 107), (#"{"channels":"a","data":1}"#, 400, 107),
            (#"{"channels":[],"data":1}"#, 400, 107), (#"{"channels":["a"]}"#, 400, 107),
            (#"{"channels":["a"],"data":"seventeen bytes"}"#, 413, 106),
            (#"{"channels":[\#(String(repeating: "\"a\",", count: 1_000))"a"],"data":1}"#, 400, 106),
        ]
    )
    func wrongCommand(body: String, status: Int, code: Int) async throws {
        var limits = Limits()
        limits.maxQueueBytes = 16
        let broker = ScriptedBroker()
        try await withAdminPort(.forTest(limits: limits, broker: broker)) { admin in
            let answer = try await admin.broadcast(body)
            #expect(answer.status == status)
            #expect(answer.body.hasPrefix(#"{"error":{"code":\#(code),"message":"#))
        }
        #expect(broker.published.isEmpty)
    }
}
