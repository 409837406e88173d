import NIOCore

/// Puts nothing around a body and nothing before a lead: whoever sends the frame does that.
public struct UnframedLead: PersonalFraming {
    public init() {}

    public func seal(_ body: consuming Body, at position: StreamPosition?) -> ByteBuffer { body.bytes }
    public func writeHeader(of body: Body, behind lead: Int, into buffer: inout ByteBuffer) {}
}
