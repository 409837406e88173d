import FanfareCore
import FanfareTestKit
import FanfareWire
import NIOCore
import Testing

@testable import FanfareServer

/// Backends that ask for much and take nothing of it, over real sockets.
@Suite("Server API: readers that take nothing")
struct SleepingReaderTests {
    /// What a backend may read that needs a place. Each answer has some megabytes here.
    enum Read: String, CaseIterable, Sendable {
        case history
        case presence

        var path: String { "/api/\(rawValue)" }
        var body: String {
            switch self {
            case .history: #"{"channel":"h:a","limit":-1}"#
            case .presence: #"{"channel":"room:a"}"#
            }
        }
    }

    private func with(
        _ reads: APIReads, takingTimeout: TimeAmount, _ body: (AdminPort, NodeMetrics) async throws -> Void
    ) async throws {
        var (kept, present) = (ChannelRules(), ChannelRules())
        kept.history = .init(size: 100, age: .seconds(3_600))
        present.presence = true
        // Nobody refreshes here, and a test may have to wait for its turn.
        let book = ChannelRulebook(
            namespaces: ["h": kept, "room": present, "free": ChannelRules()], presenceTTL: .seconds(3_600))
        let metrics = NodeMetrics(loops: 1)
        let broker = MemoryBroker(rules: book, formats: FormatTable(), metrics: metrics.broker)
        broker.start(receivers: [])
        let payload = Payload(text: "\"" + String(repeating: "x", count: 40_000) + "\"")
        for _ in 0..<100 {
            broker.publish(Publication(channel: try ChannelName("h:a"), payload: payload)) { _ in }
        }
        let info = ByteBuffer(string: "\"" + String(repeating: "x", count: 4_000) + "\"")
        let members = (0..<400).map { ClientInfo(client: ExactText("\($0)"), connInfo: info, chanInfo: info) }
        broker.join(members, try ChannelName("room:a"), returning: false) { _ in }
        var context = AdminContext.forTest(metrics: metrics, broker: broker)
        context.channels = book
        context.reads = reads
        try await withAdminPort(context, takingTimeout: takingTimeout) { try await body($0, metrics) }
    }

    /// Sends requests and reads nothing. Small packets: else the kernel has room for all of an answer.
    private func sleepers(_ count: Int, _ admin: AdminPort, _ read: Read) async throws -> [PlainSocket] {
        let head = "POST \(read.path) HTTP/1.1\r\nHost: localhost:\(admin.port)\r\nContent-Type: application/json\r\n"
        let request = ByteBuffer(string: head + "Content-Length: \(read.body.utf8.count)\r\n\r\n" + read.body)
        var sockets: [PlainSocket] = []
        for _ in 0..<count {
            let socket = try PlainSocket(admin.port, receiveBuffer: 4_096, segment: 536)
            socket.send(request)
            try await eventually("its request is sent") { socket.push() == 0 && socket.unsentBytes == 0 }
            sockets.append(socket)
        }
        return sockets
    }

    @Test(
        "eight that take nothing hold all places: one more gets 503, who publishes is served, and one that leaves makes room",
        arguments: Read.allCases)
    func full(read: Read) async throws {
        let reads = APIReads()
        try await with(reads, takingTimeout: .hours(1)) { admin, metrics in
            var sleepers = try await sleepers(8, admin, read)
            try await eventually("they hold all places") { reads.count == 8 }
            for other in Read.allCases {
                let refused = try await admin.request("POST", other.path, other.body)
                #expect(refused.status == 503)
                #expect(
                    refused.body
                        == #"{"error":{"code":100,"message":"too many answers are under way to those who read, try again"}}"#
                )
            }
            #expect(reads.count == 8 && reads.waitingCount == 0)
            #expect(try await admin.publish(#"{"channel":"free:a","data":1}"#).status == 200)
            let stats = try await admin.request("POST", "/api/presence_stats", #"{"channel":"room:a"}"#)
            #expect(stats.body == #"{"result":{"num_clients":400,"num_users":1}}"#)
            sleepers.removeLast().reset()
            try await eventually("its place is free") { reads.count == 7 }
            let served = try await admin.request("POST", read.path, read.body)
            #expect(served.status == 200 && served.body.utf8.count > 3_000_000 && served.body.hasSuffix("}}"))
            try await eventually("and so is that of the one that took its answer") { reads.count == 7 }
            for sleeper in sleepers { sleeper.reset() }
            try await eventually("all places are free") { reads.count == 0 }
            #expect(metrics.shared.value(.adminSlowReaders) == 0)
        }
    }

    @Test("eight that take nothing are cut, and those who wait get their answers", arguments: Read.allCases)
    func cut(read: Read) async throws {
        let reads = APIReads(patience: .seconds(600))
        try await with(reads, takingTimeout: .seconds(15)) { admin, metrics in
            let sleepers = try await sleepers(8, admin, read)
            try await eventually("they hold all places") { reads.count == 8 }
            try await withThrowingTaskGroup(of: HTTPAnswer.self) { others in
                for _ in 0..<3 {
                    others.addTask { try await admin.request("POST", read.path, read.body) }
                }
                for try await answer in others {
                    #expect(answer.status == 200 && answer.body.utf8.count > 3_000_000 && answer.body.hasSuffix("}}"))
                }
            }
            for sleeper in sleepers {
                try await eventually("it is cut") {
                    PlainSocket.wait(for: [sleeper], milliseconds: 10)
                    sleeper.pull(upTo: 1_048_576)
                    return sleeper.isClosed
                }
                #expect(sleeper.input.readableBytes < 1_000_000, "what the kernel had, and no more")
            }
            try await eventually("all places are free") { reads.count == 0 }
            #expect(metrics.shared.value(.adminSlowReaders) >= 8)
        }
    }
}
