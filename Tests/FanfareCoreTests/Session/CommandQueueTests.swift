import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore

@Suite("Command queue")
struct CommandQueueTests {
    private func history(_ id: UInt32) -> CentrifugeCommand { .init(id: id, method: .history(channel: "a")) }
    private func subscribe(_ id: UInt32) -> CentrifugeCommand { .init(id: id, method: .subscribe(channel: "a")) }
    private func publish(_ id: UInt32) -> CentrifugeCommand {
        .init(id: id, method: .publish(channel: "a", data: ByteBuffer()))
    }

    @Test("256 reads in one message are begun one after the other, and what is behind them waits")
    func oneAtATime() {
        var queue = CommandQueue()
        queue.add((1...256).map(history) + [publish(257)])
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
    func noRoom() {
        var queue = CommandQueue()
        queue.add([publish(1), subscribe(2), publish(3)])
        #expect(queue.next(hasRoom: false) == .perform(publish(1)))
        #expect(queue.next(hasRoom: false) == .wait)
        #expect(queue.isHeldUp)
        #expect(queue.next(hasRoom: true) == .perform(subscribe(2)))
        #expect(queue.next(hasRoom: false) == .perform(publish(3)))
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

    @Test("of a client that is gone only what it published counts")
    func end() {
        var queue = CommandQueue()
        queue.add([history(1), publish(2), subscribe(3), publish(4)])
        #expect(queue.next(hasRoom: true) == .perform(history(1)))
        queue.beginRead()
        queue.keepPublications()
        #expect(queue.next(hasRoom: false) == .perform(publish(2)))
        #expect(queue.next(hasRoom: false) == .perform(publish(4)))
        #expect(queue.next(hasRoom: false) == .none)
    }
}
