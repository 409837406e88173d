import FanfareWire

/// Which of several isolated instances carries a channel.
///
/// Backends that publish straight into Redis compute the same: FNV-1a with 64 bits over the bytes of the channel's name
/// (without the prefix), then the jump consistent hash of Lamping and Veach ("A Fast, Minimal Memory, Consistent Hash
/// Algorithm", 2014). Adding the n-th instance moves 1/n of the channels, all of them to it.
public enum ChannelShard {
    /// The index of a channel's instance, from 0.
    public static func index(of channel: ChannelName, among count: Int) -> Int {
        jump(fnv1a(channel.string.utf8), among: count)
    }

    /// FNV-1a, 64 bits.
    static func fnv1a(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// The jump consistent hash.
    static func jump(_ key: UInt64, among count: Int) -> Int {
        var key = key
        var (last, next) = (0, 0)
        while next < count {
            last = next
            key = key &* 2_862_933_555_777_941_757 &+ 1
            next = Int(Double(last + 1) * (Double(1 << 31) / Double((key >> 33) + 1)))
        }
        return last
    }
}
