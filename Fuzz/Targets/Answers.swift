import FanfareCore
import FanfareWire
import NIOCore

@testable import FanfareRedis

extension FuzzTarget {
    /// What scripts, sentinels and cluster nodes answer, in any form: understood or refused.
    static let answers = FuzzTarget(name: "answers", maxBytes: 512) { input in
        var input = input
        let limit = input.pick([0, 1, 1_000])
        let reader = ReplyReader()
        try? reader?.read(input.buffer) { reply in
            streams(reply, limit: limit)
            presence(reply)
            cluster(reply)
            _ = MasterWatch.objection(reply)
        }
    }

    private static let channel = try! ChannelName("c")

    private static func streams(_ reply: ReplyView, limit: Int) {
        _ = StreamCalls.receipt(reply)
        guard let page = StreamCalls.page(channel, HistoryQuery(limit: limit), reply) else { return }
        expect(page.publications.count <= limit, "\(page.publications.count) publications, limit \(limit)")
        expect(StreamPosition.isEpoch(page.position.epoch), "epoch '\(page.position.epoch)'")
        for publication in page.publications {
            guard let place = publication.position else { fatalError("a publication without a place") }
            _ = page.publications(after: place)
        }
        _ = page.publications(after: page.position)
        _ = SubscriptionStart(position: page.position, publications: page.publications).origin
    }

    private static func presence(_ reply: ReplyView) {
        if let outlook = PresenceCalls.outlook(reply), let next = outlook.nextExpiry { _ = next.microseconds }
        if let page = PresenceCalls.page(reply) {
            for member in page.members { expect(ClientInfo(json: member.json) != nil, "a member is no member") }
        }
        _ = PresenceCalls.stats(reply)
    }

    private static func cluster(_ reply: ReplyView) {
        let node = RedisEndpoint(host: "h", port: 1)
        let value = RedisValue(reply)
        if var map = ClusterMap(value, asked: node) {
            expect((0...HashSlot.count).contains(map.openSlots), "\(map.openSlots) open slots")
            for slot in [0, 1, HashSlot.count - 1] {
                if let owner = map[slot] { expect(map.nodes.contains(owner), "\(owner) is no node") }
            }
            _ = map.move(7, to: node)
            expect(map[7] == node, "a slot did not move")
        }
        if case .error(let words) = value, case .moved(let slot, let endpoint)? = ClusterRedirect(words, from: node) {
            expect((0..<HashSlot.count).contains(slot), "slot \(slot)")
            expect((1...65_535).contains(endpoint.port), "port \(endpoint.port)")
            expect(ClusterRedirect.slot(words) == slot, "two readings of a slot")
        }
    }
}
