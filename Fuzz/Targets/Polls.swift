import FanfareCore
import NIOCore

@testable import FanfareServer
@testable import FanfareWire

extension FuzzTarget {
    /// What pollers and readers of several channels come back with: cursors, lists of positions, tags; and what their addresses say.
    static let polls = FuzzTarget(name: "polls", maxBytes: 256) { input in
        var input = input
        let choice = input.byte()
        if choice >= 128 { return queries(input.remainder, first: Int(choice) & 1) }
        let count = Int(choice % 4) + 1
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

    /// The address of a poll, of one channel and of several, every second of which keeps a history.
    private static func queries(_ target: String, first: Int) {
        if let query = try? PollQuery(target) {
            expect(query.wait >= .zero && query.wait <= PollQuery.longest, "it waits \(query.wait)")
            if case .known(let cursor) = query.cursor { expect(target.holds("\(cursor)"), "\(cursor) is of nobody") }
        }
        let limits = Limits()
        guard let name = try? ChannelName("first"),
            let names = try? StreamChannels.names(name, target, limits)
        else { return }
        expect(names.count <= StreamChannels.maximum && Set(names).count == names.count, "\(names)")
        expect(names.allSatisfy { $0.string.utf8.count <= limits.maxChannelNameBytes }, "a long name in \(names)")
        var kept = ChannelRules()
        kept.history = .init(size: 10, age: .seconds(60))
        let channels = names.enumerated().map { (name: $1, rules: $0 % 2 == first ? kept : ChannelRules()) }
        let back = target.split(separator: "#").last.map { [String($0)] } ?? []
        guard let (wishes, _) = try? StreamChannels.wishes(channels, target, lastEventID: back) else { return }
        expect(wishes.count == channels.count, "\(wishes.count) wishes for \(channels.count) channels")
        for (wish, channel) in zip(wishes, channels) where channel.rules.history == nil {
            expect(wish == .none, "the past of a channel without one: \(wish)")
        }
        _ = try? RecoveryQuery.wish(target, kept)
    }
}
