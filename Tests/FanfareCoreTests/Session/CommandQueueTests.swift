import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore

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

    @Test("256 reads in one message are begun one after the other, and what is behind them waits")
    func oneAtATime() throws {
        var queue = try queue(Array(repeating: Self.history, count: 256) + [Self.publish])
        for id in 1...256 as ClosedRange<UInt32> {
            #expect(queue.next(hasRoom: true) == .perform(history(id)))
            queue.beginRead()
            #expect(queue.next(hasRoom: true) == .wait)
            queue.endRead()
        }
        #expect(queue.next(hasRoom: true) == .perform(publish(257)))
        #expect(queue.next(hasRoom: true) == .none)
        #expect(!queue.isHeldUp)
    }

    @Test("a client that does not take its answers begins no further read, and may publish")
    func noRoom() throws {
        var queue = try queue([Self.publish, Self.subscribe, Self.publish])
        #expect(queue.next(hasRoom: false) == .perform(publish(1)))
        #expect(queue.next(hasRoom: false) == .wait)
        #expect(queue.isHeldUp)
        #expect(queue.next(hasRoom: true) == .perform(subscribe(2)))
        #expect(queue.next(hasRoom: false) == .perform(publish(3)))
        #expect(!queue.isHeldUp)
    }

    @Test("a read that waits for room as the last of its message is not forgotten")
    func lastWaits() throws {
        var queue = try queue([Self.history])
        #expect(queue.next(hasRoom: false) == .wait)
        #expect(queue.isHeldUp)
        #expect(queue.next(hasRoom: true) == .perform(history(1)))
        #expect(!queue.isHeldUp)
    }

    @Test("what stands before a command that can't be read is begun, and nothing behind it")
    func unreadable() throws {
        var queue = try queue([Self.publish, #""publish":{}"#, Self.publish])
        #expect(queue.next(hasRoom: true) == .perform(publish(1)))
        #expect(queue.next(hasRoom: true) == .fail(.field("channel")))
        #expect(queue.next(hasRoom: true) == .none)
        #expect(!queue.isHeldUp)
    }

    @Test("only the subscription that recovers ends its recovery")
    func recovery() {
        var queue = CommandQueue()
        queue.beginRecovery(7)
        let other = queue.endRecovery(6)
        queue.endRead()
        #expect(queue.next(hasRoom: true) == .wait)
        let (own, again) = (queue.endRecovery(7), queue.endRecovery(7))
        #expect(!other && own && !again)
        #expect(queue.next(hasRoom: true) == .none)
    }

    @Test("of a client that is gone only what it published counts, in what came and in what comes")
    func end() throws {
        var queue = try queue([Self.history, Self.publish, Self.subscribe, Self.publish])
        #expect(queue.next(hasRoom: true) == .perform(history(1)))
        queue.beginRead()
        queue.keepPublications()
        #expect(queue.next(hasRoom: false) == .perform(publish(2)))
        #expect(queue.next(hasRoom: false) == .perform(publish(4)))
        #expect(queue.next(hasRoom: false) == .none)
        queue.add(try .test([Self.subscribe, Self.publish]))
        #expect(queue.next(hasRoom: false) == .perform(publish(2)))
        #expect(queue.next(hasRoom: false) == .none)
    }
}

extension CentrifugeJSONMessage {
    /// A message of these methods and their parameters, with the ids from 1 on.
    static func test(_ methods: [String]) throws -> CentrifugeJSONMessage {
        let lines = methods.enumerated().map { "{\"id\":\($0 + 1),\($1)}" }
        return try CentrifugeJSONMessage(
            ByteBuffer(string: lines.joined(separator: "\n")), maxCommands: max(1, methods.count))
    }
}
