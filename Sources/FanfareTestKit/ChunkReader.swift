/// Reads the chunked transfer coding after the grammar of RFC 9112 §7.1, in pieces cut anywhere; takes no extensions and no
/// trailers, since the node writes none.
public struct ChunkReader: Sendable {
    private enum Place: Equatable {
        /// In a chunk's size; whether it had a digit.
        case size(Int, Bool)
        case sizeLF(Int)
        case data(Int)
        case dataCR
        case dataLF
        case lastCR
        case lastLF
        case end
        case broken(String)
    }

    /// The data of all chunks.
    public private(set) var data: [UInt8] = []
    /// Sizes of the chunks that began, without the last one.
    public private(set) var sizes: [Int] = []
    private var place = Place.size(0, false)

    public init() {}

    /// Whether the last chunk was there, whole.
    public var hasEnded: Bool { place == .end }
    /// Whether what came is whole chunks.
    public var isBetweenChunks: Bool { place == .size(0, false) || hasEnded }
    /// What was wrong; `nil`: nothing so far.
    public var problem: String? {
        if case .broken(let what) = place { what } else { nil }
    }

    public mutating func feed(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { step(byte) }
    }

    private mutating func step(_ byte: UInt8) {
        switch (place, byte) {
        case (.size(let size, true), 0x0D): place = .sizeLF(size)
        case (.size(let size, _), _):
            let digit = Character(Unicode.Scalar(byte)).hexDigitValue
            guard byte < 0x80, let digit, size < 1 << 32 else { return fail("no digit of a size", byte) }
            place = .size(size * 16 + digit, true)
        case (.sizeLF(0), 0x0A): place = .lastCR
        case (.sizeLF(let size), 0x0A):
            sizes.append(size)
            place = .data(size)
        case (.data(let left), _):
            data.append(byte)
            place = left == 1 ? .dataCR : .data(left - 1)
        case (.dataCR, 0x0D): place = .dataLF
        case (.dataLF, 0x0A): place = .size(0, false)
        case (.lastCR, 0x0D): place = .lastLF
        case (.lastLF, 0x0A): place = .end
        case (.broken, _): break
        case (.end, _): fail("bytes behind the end", byte)
        default: fail("no line break where one belongs", byte)
        }
    }

    private mutating func fail(_ what: String, _ byte: UInt8) { place = .broken("\(what), at byte \(byte)") }
}
