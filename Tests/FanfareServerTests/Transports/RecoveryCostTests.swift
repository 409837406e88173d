import FanfareCore
import FanfareProtocols
import FanfareWire
import NIOCore
import Testing

@testable import FanfareServer

@Suite("What streams of several channels recover")
struct RecoveryCostTests {
    @Test("costs at least as many bytes as leave, however small the publications are")
    func bounds() throws {
        let formats = FormatTable(compressionThreshold: .max)
        let channel = try ChannelName(String(repeating: "n", count: 100))
        let epoch = StreamPosition.makeEpoch()
        let names = try (0..<PositionList.comfortableCount).map { try ChannelName("\($0)") }
        let places = PositionList(names.map { _ in StreamPosition(offset: 999_999_999_999, epoch: epoch) }, of: names)
        let publications = (0..<100).map { _ in
            var publication = Publication(channel: channel, payload: Payload(text: "1234567890"))
            publication.position = StreamPosition(offset: 999_999_999_999, epoch: epoch)
            return publication
        }
        let start = SubscriptionStart(publications: publications)
        let events = ChannelsOpening.cost(start, channel, .events)
        let lines = ChannelsOpening.cost(start, channel, .lines)
        let event = try #require(formats.personal(publications[0], .channelEventsChunked)).frame([0])
        let shared = try #require(SharedEvent(event.body, .chunked)).frame(places).joined.readableBytes
        let line = formats.encode(publications[0], .channelLinesChunked).readableBytes
        #expect(events >= 100 * shared && lines >= 100 * line, "\(shared), \(line)")
    }
}
