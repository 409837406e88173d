import FanfareWire
import NIOCore

/// Where a reader of several channels is in those that keep a history: each of its events has it as id.
struct ReaderPlaces {
    /// `nil`: no channel keeps a history, and no event has an id.
    private(set) var list: PositionList?
    /// For each channel its place in the list; `nil`: it keeps no history.
    private let indices: [Int?]

    /// - Parameter channels: each with where it begins; `nil`: it keeps no history.
    init(_ channels: [(name: ChannelName, origin: StreamPosition?)]) {
        var next = 0
        indices = channels.map { channel in
            guard channel.origin != nil else { return nil }
            next += 1
            return next - 1
        }
        let kept = channels.filter { $0.origin != nil }
        list = kept.isEmpty ? nil : PositionList(kept.compactMap { $0.origin }, of: kept.map { $0.name })
    }

    /// Gives a publication's event its id, and takes the reader there.
    ///
    /// - Parameter frame: a lead of one byte, the channel's index, and what all readers share.
    mutating func changed(_ frame: SplitFrame, _ delimiting: StreamDelimiting) -> SplitFrame {
        guard let channel = frame.head.readableBytesView.first.map(Int.init), channel < indices.count,
            let event = SharedEvent(frame.body, delimiting)
        else {
            assertionFailure("a frame that is no event of several channels")
            return SplitFrame(body: ByteBuffer())
        }
        guard let position = event.position, let index = indices[channel] else { return event.frame(nil) }
        list?.move(index, to: position)
        return event.frame(list)
    }
}
