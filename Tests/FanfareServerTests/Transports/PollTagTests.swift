import FanfareCore
import FanfareWire
import Testing

@testable import FanfareServer

@Suite("Tags of polls")
struct PollTagTests {
    private static let epoch = "k3vxq7ab"

    /// A start at 42 with publications of these offsets.
    private func start(_ offsets: ClosedRange<UInt64>?, isComplete: Bool = true) throws -> SubscriptionStart {
        let channel = try ChannelName("a")
        let publications = (offsets.map(Array.init) ?? []).map { offset in
            var publication = Publication(channel: channel, payload: Payload(text: "x"))
            publication.position = StreamPosition(offset: offset, epoch: Self.epoch)
            return publication
        }
        return SubscriptionStart(
            position: StreamPosition(offset: 42, epoch: Self.epoch), publications: publications, isComplete: isComplete)
    }

    @Test("a tag fits, weak or not, alone or among others, in one field or several")
    func fits() throws {
        let tag = try #require(PollTag(start(33...42)))
        #expect("\(tag)" == "W/\"42.k3vxq7ab-33-10\"")
        for fields in [
            ["W/\"42.k3vxq7ab-33-10\""], ["\"42.k3vxq7ab-33-10\""], ["\"a\", W/\"42.k3vxq7ab-33-10\" "],
            ["\"a\"", "\"42.k3vxq7ab-33-10\""], ["*"],
        ] {
            #expect(tag.matches(fields), "\(fields)")
        }
    }

    @Test("nothing else fits")
    func others() throws {
        let tag = try #require(PollTag(start(nil)))
        for field in [
            "", "42.k3vxq7ab-0-0", "\"42.k3vxq7a-0-0\"", "W/42.k3vxq7ab-0-0", "w/\"42.k3vxq7ab-0-0\"",
            "\"4\"2.k3vxq7ab-0-0\"", "\"43.k3vxq7ab-0-0\"", "\"42.k3vxq7ab\"", ",", "**",
        ] {
            #expect(!tag.matches([field]), "\(field)")
        }
        #expect(!tag.matches([]))
    }

    @Test("what was taken out of a history makes another tag, and a past that can't be had makes none")
    func removed() throws {
        let tags = try [start(33...42), start(34...42), start(33...41), start(nil)].compactMap {
            PollTag($0).map { "\($0)" }
        }
        #expect(Set(tags).count == 4)
        #expect(try PollTag(start(nil, isComplete: false)) == nil && PollTag(SubscriptionStart()) == nil)
    }
}
