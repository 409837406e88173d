import FanfareTestKit
import Synchronization

/// A publisher at a hundred messages a second and who listens to it.
final class Listening: Sendable {
    private let publisher: WebSocketClient
    private let listeners: [WebSocketClient]
    private let sent = Mutex<[ContinuousClock.Instant]>([])
    private let count = Atomic<Int>(0)
    private let isOver = Atomic<Bool>(false)

    private init(_ publisher: WebSocketClient, _ listeners: [WebSocketClient]) {
        self.publisher = publisher
        self.listeners = listeners
    }

    static func begin(_ node: Node, channel: String, listeners count: Int) async throws -> Listening {
        var listeners: [WebSocketClient] = []
        for _ in 0..<count { listeners.append(try await node.raw(channel)) }
        return Listening(try await node.raw(channel), listeners)
    }

    /// Messages that the first listener has heard.
    var heard: Int { count.load(ordering: .relaxed) }

    func end() { isOver.store(true, ordering: .relaxed) }

    /// Publishes until told to end; everyone must hear all of it in order. Returns the longest time that a message
    /// took.
    func run() async throws -> Duration {
        try await withThrowingTaskGroup(of: Duration.self) { group in
            for (index, listener) in listeners.enumerated() {
                group.addTask { try await self.listen(listener, counts: index == 0) }
            }
            group.addTask {
                try await self.publish()
                return .zero
            }
            return try await group.reduce(.zero, max)
        }
    }

    private func publish() async throws {
        while !isOver.load(ordering: .relaxed) {
            let number = sent.withLock { sent in
                sent.append(.now)
                return sent.count - 1
            }
            try await publisher.send("\(number)")
            try await Task.sleep(for: .milliseconds(10))
        }
        try await publisher.send("end")
    }

    private func listen(_ listener: WebSocketClient, counts: Bool) async throws -> Duration {
        var longest = Duration.zero
        for number in 0... {
            let text = try await listener.nextText()
            guard text != "end" || number < sent.withLock(\.count) else { break }
            guard text == "\(number)" else { throw NotInTime(what: "message \(number); got \(text)") }
            longest = max(longest, .now - sent.withLock { $0[number] })
            if counts { count.add(1, ordering: .relaxed) }
        }
        return longest
    }
}
