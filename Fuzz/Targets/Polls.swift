import FanfareCore
import NIOCore

@testable import FanfareServer
@testable import FanfareWire

extension FuzzTarget {
    /// What pollers and readers of several channels come back with: cursors, lists of positions, tags.
    static let polls = FuzzTarget(name: "polls", maxBytes: 256) { input in
        var input = input
        let count = Int(input.byte() % 4) + 1
        let text = input.remainder
        if let cursor = PollCursor(text.utf8) {
            expect("\(cursor)".utf8.elementsEqual(text.utf8), "'\(text)' is written as '\(cursor)'")
        }
        let channels = (0..<count).compactMap { try? ChannelName("c\($0)") }
        if let list = PositionList(text, of: channels) {
            expect(list.positions.count == count, "\(list.positions.count) positions for \(count) channels")
            let written = "\(list)"
            expect(
                PositionList(written, of: channels) == list,
                "'\(text)' is written as '\(written)', which reads otherwise")
            expect(
                written.utf8.count <= count * (StreamPosition.maximumTextBytes + 1) + 5, "\(written.utf8.count) bytes")
            let whole = list.positions.map { "\($0)" }.joined(separator: ",")
            expect(PositionList(whole, of: channels) == list, "'\(whole)' reads otherwise")
            let others = (0..<count).compactMap { try? ChannelName("d\($0)") }
            expect(PositionList(written, of: others) == nil, "a list of other channels is read")
        }
        let start = SubscriptionStart(position: StreamPosition(offset: 42, epoch: "k3vxq7ab"))
        guard let tag = PollTag(start) else { return expect(false, "no tag") }
        let isTold = tag.matches([text])
        expect(!isTold || text.utf8.contains(UInt8(ascii: "*")) || text.holds("42.k3vxq7ab-0-0"), "'\(text)' fits")
        expect(tag.matches([text, "\(tag)"]), "a tag of ours does not fit")
    }
}
