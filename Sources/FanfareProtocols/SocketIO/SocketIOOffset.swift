import FanfareWire

/// Where a client is in a namespace: the channels that it has, and its place in those to which it can come back. The opaque string
/// behind its events, and what it comes back with: `42.k3vxq7ab/news,7/chat:1,/lobby`.
///
/// An epoch that is the same as the one before is left out. A channel without a place is one that the client subscribed to by itself
/// and that keeps nothing: it is subscribed again. Whoever comes back is let into each of them anew, so nothing in it is a secret.
struct SocketIOOffset: Sendable, Equatable {
    struct Item: Sendable, Equatable {
        let channel: ChannelName
        let position: StreamPosition?
    }

    /// What says that a client can't come back: no offset reads so.
    static let none = "-"

    let items: [Item]

    init(_ items: [Item]) { self.items = items }

    /// Reads ``text``; `nil` for anything else.
    ///
    /// - Parameter maxChannelNameBytes: of a channel's name.
    init?(_ text: String, maxChannelNameBytes: Int) {
        guard text.utf8.count <= SocketIOBounds.offsetBytes else { return nil }
        var items: [Item] = []
        var epoch = ""
        for part in text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            guard !text.isEmpty else { break }
            guard let slash = part.firstIndex(of: UInt8(ascii: "/")),
                let name = String(part[part.index(after: slash)...]),
                let channel = try? ChannelName(name, limit: maxChannelNameBytes),
                !items.contains(where: { $0.channel == channel }), let place = String(part[..<slash])
            else { return nil }
            guard !place.isEmpty else {
                items.append(Item(channel: channel, position: nil))
                continue
            }
            let isWhole = place.utf8.contains(UInt8(ascii: "."))
            guard let position = StreamPosition(isWhole ? place : "\(place).\(epoch)") else { return nil }
            epoch = position.epoch
            items.append(Item(channel: channel, position: position))
        }
        self.items = items
    }

    /// As the client has it; ``none`` where it would be too long.
    var text: String {
        var writer = Writer()
        for item in items {
            guard writer.add(item.channel, item.position) else { return Self.none }
        }
        return writer.text
    }

    /// Writes ``text`` channel by channel: it is behind every event, so it is one text and not one of each channel.
    struct Writer {
        private var bytes: [UInt8] = []
        private var epoch = ""

        /// - Returns: whether it is still no longer than it may be.
        mutating func add(_ channel: ChannelName, _ position: StreamPosition?) -> Bool {
            if bytes.isEmpty { bytes.reserveCapacity(256) } else { bytes.append(UInt8(ascii: ",")) }
            if let position {
                add(position.offset)
                if position.epoch != epoch {
                    bytes.append(UInt8(ascii: "."))
                    bytes.append(contentsOf: position.epoch.utf8)
                    epoch = position.epoch
                }
            }
            bytes.append(UInt8(ascii: "/"))
            bytes.append(contentsOf: channel.string.utf8)
            return bytes.count <= SocketIOBounds.offsetBytes
        }

        private mutating func add(_ number: UInt64) {
            var scale: UInt64 = 1
            while number / scale >= 10 { scale *= 10 }
            while scale > 0 {
                bytes.append(UInt8(ascii: "0") + UInt8(number / scale % 10))
                scale /= 10
            }
        }

        var text: String { String(decoding: bytes, as: UTF8.self) }
    }
}
