import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

@Suite("Command queue")
struct CommandQueueTests {
    private func history(_ id: UInt32) -> CentrifugeCommand { .init(id: id, method: .history(channel: "a")) }
    private func subscribe(_ id: UInt32) -> CentrifugeCommand { .init(id: id, method: .subscribe(channel: "a")) }
    private func publish(_ id: UInt32) -> CentrifugeCommand {
        .init(id: id, method: .publish(channel: "a", data: ByteBuffer(string: "1")))
    }

    /// A queue with one message of these commands.
    private func queue(_ methods: [String]) throws -> CommandQueue {
        var queue = CommandQueue()
        queue.add(try .test(methods))
        return queue
    }

    private static let history = #""history":{"channel":"a"}"#
    private static let subscribe = #""subscribe":{"channel":"a"}"#
    private static let publish = #""publish":{"channel":"a","data":1}"#

    @Test("while nothing may be read, what stands before a read is begun")
    func noRoom() throws {
        var queue = try queue([Self.publish, Self.subscribe, Self.publish])
        #expect(queue.next(mayRead: false) == .perform(publish(1)))
        #expect(queue.next(mayRead: false) == .wait)
        #expect(!queue.isEmpty)
        #expect(queue.next(mayRead: true) == .perform(subscribe(2)))
        #expect(queue.next(mayRead: false) == .perform(publish(3)))
        #expect(queue.isEmpty)
    }

    @Test("a read that waits for room as the last of its message is not forgotten")
    func lastWaits() throws {
        var queue = try queue([Self.history])
        #expect(queue.next(mayRead: false) == .wait)
        #expect(!queue.isEmpty)
        #expect(queue.next(mayRead: true) == .perform(history(1)))
        #expect(queue.isEmpty)
    }

    @Test("what stands before a command that can't be read is begun, and nothing behind it")
    func unreadable() throws {
        var queue = try queue([Self.publish, #""publish":{}"#, Self.publish])
        #expect(queue.next(mayRead: true) == .perform(publish(1)))
        #expect(queue.next(mayRead: true) == .fail(.field("channel")))
        #expect(queue.next(mayRead: true) == .none)
        #expect(queue.isEmpty)
    }

    @Test("of a client that is gone only what it published counts, in what came and in what comes")
    func end() throws {
        var queue = try queue([Self.history, Self.publish, Self.subscribe, Self.publish])
        #expect(queue.next(mayRead: true) == .perform(history(1)))
        queue.keepPublications()
        #expect(queue.next(mayRead: false) == .perform(publish(2)))
        #expect(queue.next(mayRead: false) == .perform(publish(4)))
        #expect(queue.next(mayRead: false) == .none)
        queue.add(try .test([Self.subscribe, Self.publish]))
        #expect(queue.next(mayRead: false) == .perform(publish(2)))
        #expect(queue.next(mayRead: false) == .none)
    }
}

extension CentrifugeMessage {
    /// A message of these methods and their parameters, with the ids from 1 on.
    static func test(_ methods: [String]) throws -> CentrifugeMessage {
        let lines = methods.enumerated().map { "{\"id\":\($0 + 1),\($1)}" }
        return try CentrifugeMessage(
            ByteBuffer(string: lines.joined(separator: "\n")), .json, maxCommands: max(1, methods.count),
            maxSubscriptions: 128)
    }
}
