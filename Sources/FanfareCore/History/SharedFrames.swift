import FanfareWire
import NIOCore
import Synchronization

/// What one read of a history brought, for all clients that it serves: each gets the newest so many of these publications.
/// For clients whose protocol sends publications as they are, the frames are encoded once and shared; for those to whom it sends
/// a list, its items are: the first to ask in an encoding writes them.
public final class SharedFrames: Sendable {
    private struct Encoded {
        var bytes = ByteBuffer()
        /// Where the frame of each publication begins.
        var starts: [Int] = []
    }

    private let publications: [Publication]
    /// Whether a client is not to hear one of them.
    let hasExclusions: Bool
    /// Bytes of the payloads, and of what is beside them, before each publication, and of all.
    private let sizes: [Int]
    private let encoded = Mutex(PerFormat<Encoded>())
    private let items = Mutex<[ObjectIdentifier: Encoded]>([:])

    private let filtered = Mutex<[(filter: TagFilter, frames: SharedFrames)]>([])

    /// - Parameter publications: oldest first.
    init(_ publications: [Publication]) {
        self.publications = publications
        hasExclusions = publications.contains { $0.metadata?.excludedClient != nil }
        var size = 0
        sizes =
            [0]
            + publications.map { publication in
                size += publication.size
                return size
            }
    }

    /// Those of the publications that pass a filter, with frames that all share who have the same one.
    func filtered(by filter: TagFilter) -> SharedFrames {
        filtered.withLock { filtered in
            if let known = filtered.first(where: { $0.filter == filter }) { return known.frames }
            let passing = SharedFrames(publications.filter { filter.matches($0.metadata?.tags ?? .none) })
            let bytes = filtered.reduce(passing.size) { $0 + $1.frames.size }
            if filtered.count < Self.maximumFilters, bytes <= Self.maximumFilteredBytes {
                filtered.append((filter, passing))
            }
            return passing
        }
    }

    /// Bytes of all of them.
    private var size: Int { sizes[publications.count] }

    /// How many there are.
    var count: Int { publications.count }

    /// The newest `count` publications.
    func publications(last count: Int) -> [Publication] { Array(publications.suffix(count)) }

    /// Their bytes.
    func size(last count: Int) -> Int { sizes[publications.count] - sizes[max(0, publications.count - count)] }

    /// How many come after an offset.
    func count(after offset: UInt64) -> Int {
        var (low, high) = (0, publications.count)
        while low < high {
            let middle = (low + high) / 2
            if publications[middle].position?.offset ?? 0 > offset { high = middle } else { low = middle + 1 }
        }
        return publications.count - low
    }

    /// The frames of the newest `count` publications, in memory that all clients share; not compressed.
    public func frames(last count: Int, _ format: WireFormat, _ formats: FormatTable) -> ByteBuffer {
        guard count > 0, !publications.isEmpty, let plain = formats.plain(format) else { return ByteBuffer() }
        return encoded.withLock { encoded in
            let all = encoded[plain.format] ?? encode(plain.encoder)
            if encoded[plain.format] == nil { encoded.add(plain.format, all) }
            var bytes = all.bytes
            bytes.moveReaderIndex(forwardBy: all.starts[max(0, publications.count - count)])
            return bytes
        }
    }

    /// The newest `count` publications as items of a list, with what stands between them.
    public func items(last count: Int, _ encoder: any PublicationListEncoder.Type) -> ByteBuffer {
        guard count > 0, !publications.isEmpty else { return ByteBuffer() }
        return items.withLock { items in
            let all =
                items[ObjectIdentifier(encoder)]
                ?? encode(room: 40) { publication, bytes in
                    encoder.writeItem(publication, into: &bytes)
                    bytes.writeStaticString(encoder.separator)
                }
            items[ObjectIdentifier(encoder)] = all
            let start = all.starts[max(0, publications.count - count)]
            let end = all.bytes.readableBytes - encoder.separator.utf8CodeUnitCount
            return all.bytes.getSlice(at: start, length: end - start) ?? ByteBuffer()
        }
    }

    private func encode(_ encoder: FormatEncoder) -> Encoded {
        encode(room: 16) { publication, bytes in bytes.writeImmutableBuffer(encoder.publication(publication)) }
    }

    /// - Parameter room: bytes that a publication takes beside its payload, about.
    private func encode(room: Int, _ write: (Publication, inout ByteBuffer) -> Void) -> Encoded {
        var encoded = Encoded()
        encoded.bytes.reserveCapacity(sizes[publications.count] + room * publications.count)
        for publication in publications {
            encoded.starts.append(encoded.bytes.readableBytes)
            write(publication, &encoded.bytes)
        }
        return encoded
    }
}
