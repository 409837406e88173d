import NIOCore

/// Which publication of a run: its channel, who published it, and that publisher's count. Its own text is what is
/// published: `"chaos-<run>-<channel>-<publisher>-<number>"`.
package struct PublicationID: Hashable, Sendable, CustomStringConvertible {
    package var channel: Int
    package var publisher: Int
    package var number: Int

    package init(channel: Int, publisher: Int, number: Int) {
        self.channel = channel
        self.publisher = publisher
        self.number = number
    }

    package var description: String { "\(channel)-\(publisher)-\(number)" }

    /// The data of a publication, JSON.
    func data(run: String) -> String { "\"chaos-\(run)-\(self)\"" }

    /// Reads the data of a publication; `nil` for one that is not of this run.
    static func read(_ data: ByteBuffer, run: String) -> PublicationID? {
        data.withUnsafeReadableBytes { bytes in
            let prefix = "\"chaos-\(run)-".utf8
            guard bytes.starts(with: prefix), bytes.last == UInt8(ascii: "\"") else { return nil }
            var numbers: (Int, Int, Int) = (0, 0, 0)
            var field = 0
            for byte in bytes.dropFirst(prefix.count).dropLast() {
                switch byte {
                case UInt8(ascii: "-"):
                    field += 1
                case UInt8(ascii: "0")...UInt8(ascii: "9"):
                    let digit = Int(byte - UInt8(ascii: "0"))
                    switch field {
                    case 0: numbers.0 = numbers.0 &* 10 &+ digit
                    case 1: numbers.1 = numbers.1 &* 10 &+ digit
                    default: numbers.2 = numbers.2 &* 10 &+ digit
                    }
                default: return nil
                }
            }
            guard field == 2 else { return nil }
            return PublicationID(channel: numbers.0, publisher: numbers.1, number: numbers.2)
        }
    }
}
