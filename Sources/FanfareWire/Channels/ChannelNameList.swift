import NIOCore

/// Channels' names in a row, of each a byte that says how long it is, and the name.
public enum ChannelNameList {
    public static func write(_ names: [ChannelName], into buffer: inout ByteBuffer) {
        for name in names {
            // Fits: no name is longer.
            buffer.writeInteger(UInt8(truncatingIfNeeded: name.string.utf8.count))
            buffer.writeString(name.string)
        }
    }

    /// Reads them; `nil` where one is no name of a channel, or cut off.
    public static func read(_ bytes: UnsafeRawBufferPointer) -> [ChannelName]? {
        var names: [ChannelName] = []
        let isWhole = walk(bytes) { part in
            guard let text = String(validating: part, as: UTF8.self), let name = try? ChannelName(text) else {
                return false
            }
            names.append(name)
            return true
        }
        return isWhole ? names : nil
    }

    /// Gives each name's bytes in order, until `body` returns false.
    ///
    /// - Returns: whether all were whole, and none ended the walk.
    public static func walk(
        _ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Bool
    ) -> Bool {
        var place = 0
        while place < bytes.count {
            let end = place + 1 + Int(bytes[place])
            guard end <= bytes.count, body(UnsafeRawBufferPointer(rebasing: bytes[place + 1..<end])) else {
                return false
            }
            place = end
        }
        return true
    }
}
