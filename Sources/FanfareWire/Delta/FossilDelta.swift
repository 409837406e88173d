import NIOCore

/// Deltas in the format of Fossil (fossil-scm.org, "Fossil Delta Format"): how to make a target out of a base that the
/// receiver has. Centrifuge clients understand them.
///
/// A delta is the target's size, then commands in the order of the target's bytes, then a checksum of it:
///
///     size \n   ( count @ offset ,  |  count : bytes )*   checksum ;
///
/// The first command copies from the base, the second inserts. Numbers have the digits of ``FossilDeltaWriter``.
public enum FossilDelta {
    /// The delta that makes `target` out of `base`.
    ///
    /// Both begin and end alike nearly always; what is between is looked up eight bytes at a time in a table of the base,
    /// with at most two candidates for each place, so that no input costs more than a constant for each of its bytes.
    ///
    /// - Parameter keepsCharacters: whether inserts hold whole characters, where both are UTF-8: then the delta is text, too.
    /// - Returns: `nil` where it would not be smaller than the target, or one of both is above ``maximumBytes``.
    public static func create(
        base: ByteBuffer, target: ByteBuffer, keepsCharacters: Bool = false
    ) -> ByteBuffer? {
        guard base.readableBytes <= maximumBytes, target.readableBytes <= maximumBytes else { return nil }
        return base.withUnsafeReadableBytes { base in
            target.withUnsafeReadableBytes { target in
                var matcher = FossilMatcher(base: base, target: target, keepsCharacters: keepsCharacters)
                return matcher.run()
            }
        }
    }
}
