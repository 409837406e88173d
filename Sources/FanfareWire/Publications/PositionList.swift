import NIOCore

/// Where a reader is in several channels with history, as one text: `42.k3vxq7ab,7,19~q3vx`. An event's id, and so what a browser
/// comes back with in `Last-Event-ID`; also `?since=`.
///
/// The positions stand in the order of their channels. Where an epoch is the same as the one before, as for all channels of a
/// Redis, the offset stands alone. Behind `~` stands a check of the channels' names, so that a reader which comes back with
/// other channels, or in another order, is not taken to a place that was never its own.
public struct PositionList: Sendable, Equatable, CustomStringConvertible {
    /// Channels for which that is enough, each with an epoch of its own.
    public static let comfortableCount =
        (comfortableBytes - Check.bytes + 1) / (roomyDigits + StreamPosition.usualEpochBytes + 2)
    /// Channels of a reader that comes back, though its ids are longer than they should be.
    public static let longestCount = 4 * comfortableCount
    /// How a list is written, for whoever wrote something else.
    public static let form =
        "a position for each channel that keeps a history, in their order, as in 42.k3vxq7ab,7.k3vxq7ab"

    public private(set) var positions: [StreamPosition]
    private let check: Check

    public init(_ positions: [StreamPosition], of channels: [ChannelName]) {
        (self.positions, check) = (positions, Check(channels))
    }

    /// Reads a list for these channels; `nil` when it is none of theirs. A text that a program put together may have no check
    /// and repeat epochs.
    ///
    /// - Parameter isChecked: whether it must have one, as an id does.
    public init?(_ text: some StringProtocol, of channels: [ChannelName], isChecked: Bool = false) {
        guard text.utf8.count <= channels.count * (StreamPosition.maximumTextBytes + 1) + Check.bytes else {
            return nil
        }
        check = Check(channels)
        let parts = text.utf8.split(separator: UInt8(ascii: "~"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let list = parts.first,
            parts.count == 1 ? !isChecked : parts[1].elementsEqual(check.text.utf8.dropFirst())
        else {
            return nil
        }
        positions = []
        for item in list.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            let item = String(decoding: item, as: UTF8.self)
            let isWhole = item.utf8.contains(UInt8(ascii: "."))
            guard let epoch = isWhole ? "" : positions.last?.epoch,
                let position = StreamPosition(isWhole ? item : "\(item).\(epoch)")
            else { return nil }
            positions.append(position)
        }
        guard positions.count == channels.count else { return nil }
    }

    /// The reader has come further in one channel.
    public mutating func move(_ index: Int, to position: StreamPosition) { positions[index] = position }

    public func write(into buffer: inout ByteBuffer) {
        for (index, position) in positions.enumerated() {
            if index > 0 { buffer.writeStaticString(",") }
            buffer.writeString("\(position.offset)")
            guard index == 0 || position.epoch != positions[index - 1].epoch else { continue }
            buffer.writeStaticString(".")
            buffer.writeString(position.epoch)
        }
        buffer.writeString(check.text)
    }

    public var description: String {
        var buffer = ByteBuffer()
        write(into: &buffer)
        return String(buffer: buffer)
    }

    /// Whether it stays within ``comfortableBytes`` while its channels go on.
    public var isComfortable: Bool {
        var bytes = Check.bytes - 1
        for (index, position) in positions.enumerated() {
            bytes += 1 + max(Self.roomyDigits, "\(position.offset)".utf8.count)
            if index == 0 || position.epoch != positions[index - 1].epoch { bytes += 1 + position.epoch.utf8.count }
        }
        return bytes <= Self.comfortableBytes
    }

    /// Twenty bits of the channels' names: against mistakes, not against anyone.
    private struct Check: Sendable, Equatable {
        static let bytes = 5

        /// With its mark.
        let text: String

        init(_ channels: [ChannelName]) {
            // FNV-1a.
            var hash: UInt32 = 2_166_136_261
            for channel in channels {
                for byte in channel.string.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
                // A byte that no name has.
                hash = (hash ^ 0) &* 16_777_619
            }
            let letters = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
            let word = (0..<4).map { letters[Int((hash ^ hash >> 16) >> UInt32(5 * $0) & 31)] }
            text = "~" + String(decoding: word, as: UTF8.self)
        }
    }
}
