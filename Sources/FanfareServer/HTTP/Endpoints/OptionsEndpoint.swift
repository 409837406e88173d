import HTTPTypes
import NIOCore

/// Which methods a path has, and to a preflight what pages may send there. Asks for no token: a preflight never has one.
struct OptionsEndpoint: Endpoint {
    let methods: [HTTPRequest.Method]

    func respond(to exchange: Exchange, _ body: ByteBuffer) {
        var fields: HTTPFields = [.allow: PublicRouter.list(methods)]
        if exchange.isPreflight {
            fields[.accessControlAllowMethods] = methods.map(\.rawValue).joined(separator: ", ")
            fields[.accessControlAllowHeaders] = CrossOrigin.allowedFields
            fields[.accessControlMaxAge] = CrossOrigin.maxAge
        }
        exchange.answer(.noContent, fields)
    }
}
