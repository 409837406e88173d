import FanfareCore
import FanfareWire
import NIOCore

/// A channel's stream as script calls, and their answers as what the broker's contract speaks of.
struct StreamCalls: Sendable {
    /// Before keys.
    let prefix: String
    /// Before names of Pub/Sub.
    let channelPrefix: String
    let kind: PubSubKind

    init(_ configuration: RedisConfiguration) {
        prefix = configuration.prefix
        channelPrefix = configuration.channelPrefix
        kind = configuration.pubSub
    }

    /// The channel's name for Pub/Sub.
    func name(_ channel: ChannelName) -> ByteBuffer {
        let affixes = kind.affixes(channelPrefix)
        return ByteBuffer(string: affixes.before + channel.string + affixes.after)
    }

    func publish(
        _ publication: Publication, _ retention: ChannelRules.Retention, _ options: PublishOptions
    ) -> PublisherLink.Order.Task {
        var entryHeader = ByteBuffer()
        Envelope.writeHeader(publication, into: &entryHeader)
        var messageHeader = ByteBuffer()
        Envelope.writeStreamHeader(publication, into: &messageHeader)
        let channel = publication.channel
        return .script(
            .publish, channel, keys: keys(channel) + (options.idempotencyKey.map { [receipt(channel, $0)] } ?? []),
            arguments: [
                ByteBuffer(string: StreamPosition.makeEpoch()), number(retention.size), seconds(retention.age),
                seconds(retention.positionAge), kind.publish, name(channel), entryHeader, messageHeader,
                Envelope.body(publication), seconds(options.idempotencyLifetime), number(kind.birthBits),
            ])
    }

    func publishOnce(
        _ publication: Publication, idempotencyKey: String, lifetime: Duration
    ) -> PublisherLink.Order.Task {
        var message = ByteBuffer()
        Envelope.writeHeader(publication, into: &message)
        message.writeImmutableBuffer(Envelope.body(publication))
        return .script(
            .publishOnce, publication.channel, keys: [receipt(publication.channel, idempotencyKey)],
            arguments: [
                kind.publish, name(publication.channel), message, seconds(lifetime),
            ])
    }

    func read(
        _ channel: ChannelName, _ query: HistoryQuery, _ retention: ChannelRules.Retention
    ) -> PublisherLink.Order.Task {
        let since =
            switch (query.since?.offset, query.reverse) {
            case (nil, _): ""
            case (let offset?, false): String(offset &+ 1)
            case (let offset?, true): "(\(offset)-0"
            }
        return .script(
            .read, channel, keys: keys(channel),
            arguments: [
                ByteBuffer(string: StreamPosition.makeEpoch()), seconds(retention.positionAge),
                seconds(retention.age), ByteBuffer(string: since), number(query.limit), number(query.reverse ? 1 : 0),
                number(query.maxBytes),
            ])
    }

    func remove(_ channel: ChannelName) -> PublisherLink.Order.Task {
        .command([ByteBuffer(string: "DEL"), key(channel, "stream")])
    }

    /// The answer to a publish.
    static func receipt(_ reply: ReplyView) -> PublishReceipt {
        let isDuplicate = reply[2]?.integer == 1
        guard let offset = reply[0].flatMap({ UInt64($0.text) }), let epoch = reply[1]?.text,
            StreamPosition.isEpoch(epoch)
        else { return PublishReceipt(isDuplicate: isDuplicate) }
        return PublishReceipt(position: StreamPosition(offset: offset, epoch: epoch), isDuplicate: isDuplicate)
    }

    /// How many entries of others a publish had to remove from its stream.
    static func removed(_ reply: ReplyView) -> Int { reply[3]?.integer ?? 0 }

    /// The answer to a read; `nil` when it is not of the script's form. An entry that can't be understood is left out and
    /// counted: its offset is then missing in the page, which is for whoever needs all of them to notice.
    static func page(_ channel: ChannelName, _ query: HistoryQuery, _ reply: ReplyView) -> HistoryPage? {
        guard let offset = reply[0].flatMap({ UInt64($0.text) }), let epoch = reply[1]?.text,
            StreamPosition.isEpoch(epoch), let leaps = reply[2]?.text, let entries = reply[3]
        else { return nil }
        var page = HistoryPage(
            publications: [], position: StreamPosition(offset: offset, epoch: epoch),
            leaps: leaps.split(separator: " ").compactMap(leap),
            isCut: reply[4]?.integer == 1 || entries.count > query.limit)
        var last: UInt64?
        for index in 0..<min(entries.count, query.limit) {
            guard let entry = entries[index],
                let publication = publication(channel, epoch, entry, skippedFields: &page.skippedFields),
                let place = publication.position?.offset, place <= offset,
                last.map({ query.reverse ? place < $0 : place > $0 }) ?? true
            else {
                page.unreadable += 1
                continue
            }
            last = place
            page.publications.append(publication)
        }
        return page
    }

    private static func publication(
        _ channel: ChannelName, _ epoch: String, _ entry: ReplyView, skippedFields: inout Int
    ) -> Publication? {
        // Offsets begin at 1: an entry at 0 is none of ours, and a place before it there is not.
        guard let id = entry[0]?.text, let offset = id.split(separator: "-").first.flatMap({ UInt64($0) }), offset > 0,
            let fields = entry[1], fields[0]?.bytes.elementsEqual("d".utf8) == true, let bytes = fields[1]?.bytes,
            case .publication(let payload, let acceptedAt, let metadata) = Envelope.read(
                bytes, skippedFields: &skippedFields)
        else { return nil }
        return Publication(
            channel: channel, payload: payload, publishedAt: acceptedAt,
            position: StreamPosition(offset: offset, epoch: epoch), metadata: metadata)
    }

    private static func leap(_ text: Substring) -> HistoryPage.Leap? {
        let parts = text.split(separator: ":").compactMap { UInt64($0) }
        return parts.count == 2 ? HistoryPage.Leap(last: parts[0], next: parts[1]) : nil
    }

    private func keys(_ channel: ChannelName) -> [ByteBuffer] {
        [key(channel, "meta"), key(channel, "stream"), epochKey(channel)]
    }

    /// One for all channels; in a Redis Cluster for those of a slot, with which it moves. No channel's key is the same: `*` is
    /// in no channel's name, and no channel has a key `epoch`.
    private func epochKey(_ channel: ChannelName) -> ByteBuffer {
        guard kind == .sharded else { return ByteBuffer(string: prefix + "*epoch") }
        return ByteBuffer(string: "\(prefix){\(HashSlot.tag(of: HashSlot.slot(of: channel.string.utf8)))}:epoch")
    }

    private func receipt(_ channel: ChannelName, _ key: String) -> ByteBuffer { self.key(channel, "once:\(key)") }

    /// All keys of a channel have its name as their hash tag: they live on one node of a Redis Cluster.
    func key(_ channel: ChannelName, _ what: String) -> ByteBuffer {
        ByteBuffer(string: "\(prefix){\(channel.string)}:\(what)")
    }

    private func number(_ value: Int) -> ByteBuffer { ByteBuffer(string: String(value)) }

    private func seconds(_ duration: Duration) -> ByteBuffer { number(max(1, Int(duration.components.seconds))) }
}

extension ReplyView {
    /// The bytes as text.
    var text: String { String(decoding: bytes, as: UTF8.self) }
}
