import FanfareProtocols
import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore

@Suite("Hub shard: wire formats")
struct HubFormatTests {
    private let formats = FormatTable()

    /// A format with parameters: the payload behind the number.
    private func format(_ number: Int) throws -> WireFormat {
        let encoder = FormatEncoder(publication: { publication in
            let text = "\(number):\(String(buffer: publication.payload.bytes))"
            return WebSocketFrame.encode(.text, payload: ByteBuffer(string: text))
        })
        return try #require(formats.intern(ExactText("\(number)"), as: .encoded(encoder)))
    }

    @Test("300 formats in one channel: everybody gets their own frames in one write, also when formats come and go")
    func many() throws {
        let bench = HubBench()
        let channel = try ChannelName("a")
        func publish(_ text: String) {
            let publication = Publication(channel: channel, payload: Payload(text: text + "\n"))
            bench.shard.publish(PreparedPublication(publication, formats: formats, receivedAt: 0))
        }
        var members = try (0..<300).map { bench.client(format: try format($0)) }
        // Two of each of the first formats: the list stays when one goes.
        members += members[..<20].map { member in
            formats.acquire(member.wireFormat)
            return bench.client(format: member.wireFormat)
        }
        for member in members { bench.subscribe(member, "a") }
        #expect(bench.shard.subscribers(of: channel) == 320)
        publish("1")
        publish("2")
        bench.flush()
        let numbers = Array(0..<300) + Array(0..<20)
        for (number, member) in zip(numbers, members) {
            #expect(member.received == ["\(number):1", "\(number):2"] && member.writes == 1)
        }
        let gone = stride(from: 0, to: 300, by: 3)
        publish("3")
        for number in gone {
            bench.shard.leave(members[number])
            formats.release(members[number].wireFormat)
        }
        bench.flush()
        #expect(bench.shard.subscribers(of: channel) == 220)
        for (index, member) in members.enumerated() {
            let isGone = index < 300 && index % 3 == 0
            #expect(member.received.count == (isGone ? 2 : 3))
        }
        for member in members[20...] { bench.shard.leave(member) }
        #expect(bench.shard.slots[channel]?.subscribers.count == 13, "lists of formats that nobody uses are gone")
        for member in members[..<20] { bench.shard.leave(member) }
        #expect(bench.shard.channelCount == 0)
    }
}
