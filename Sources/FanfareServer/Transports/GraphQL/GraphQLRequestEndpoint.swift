import FanfareCore
import FanfareProtocols
import FanfareWire
import HTTPTypes
import NIOCore

/// `POST /graphql`: one operation. Its result is the answer (GraphQL over HTTP), or events where the client takes these: what a subscription
/// hears, for as long as it takes (GraphQL over Server-Sent Events).
struct GraphQLRequestEndpoint: Endpoint {
    func body(of exchange: Exchange) -> BodyUse? {
        guard GraphQLEndpoint.isOpen(exchange) else { return nil }
        // Other types any page may send anywhere, without asking before.
        let type = exchange.request.headerFields[values: .contentType].first.map { MediaType($0) }
        guard type == MediaType("application/json") else {
            exchange.refuse(
                .badRequest, .unsupportedMediaType, "a GraphQL request is JSON: send 'Content-Type: application/json'")
            return nil
        }
        return .kept(limit: exchange.limits.maxMessageBytes)
    }

    func respond(to exchange: Exchange, _ body: ByteBuffer) {
        guard body.withUnsafeReadableBytes({ UTF8Validator.isValid($0) }), let members = JSONMembers(body),
            let request = GraphQLRequest(members)
        else {
            return exchange.refuse(
                .badRequest, .badRequest,
                "a GraphQL request is a JSON object with the text `query`, and may have `operationName` and `variables`"
            )
        }
        // As much as an upgrade and a message on it: no more of either for having one request for both.
        guard exchange.mayTry() else { return }
        exchange.authenticate { bearer in
            guard bearer.grants.mayConnect else { return exchange.refuseAnonymous("connect") }
            begin(exchange, request, bearer, bytes: body.readableBytes)
        }
    }

    private func begin(_ exchange: Exchange, _ request: GraphQLRequest, _ bearer: Exchange.Bearer, bytes: Int) {
        let delimiting: StreamDelimiting = exchange.isUpgradable ? .chunked : .bare
        let takesEvents = exchange.takes("text/event-stream")
        let form = StreamForm(messages: .events, delimiting: delimiting)
        // A client for each publication has no rate of its own.
        let publisher = exchange.publisher(bearer, now: exchange.loop.node.clock.monotonicMicroseconds())
        let transport: any ConnectionTransport =
            takesEvents
            ? GraphQLEventsTransport(form, publisher)
            : GraphQLAnswerTransport(exchange, publisher)
        let session = GraphQLSession(
            exchange.loop.node.graphQL, clientID: exchange.loop.makeClientID().description, request,
            in: takesEvents ? .events(delimiting) : .answer, grants: bearer.grants, listed: bearer.subscriptions)
        let clientRequest =
            takesEvents
            ? ClientRequest(exchange, on: transport) { _ in form.head(position: nil) }
            : ClientRequest(exchange: exchange, transport: transport) { client, _ in
                exchange.holdOpen()
                exchange.onGone = {
                    // What it sent before it went was taken, so it counts.
                    transport.client?.takeLastTurn()
                    transport.finish()
                }
                client.begin(on: nil)
            }
        clientRequest.begin(.graphQL(Boxed(session)), .graphQL)
        transport.client?.beginOwn(bytes: bytes)
    }
}

extension Exchange {
    /// Whether its client takes answers of a type, named as such (RFC 9110 §12.5.1) and not with a quality of 0.
    func takes(_ type: String) -> Bool {
        request.headerFields[values: .accept].contains { field in
            field.split(separator: ",").contains { element in
                let isRefused = element.split(separator: ";").dropFirst().contains { parameter in
                    let text = parameter.filter { $0 != " " }
                    return text.hasPrefix("q=0") && text.dropFirst(3).allSatisfy { $0 == "." || $0 == "0" }
                }
                return MediaType(element) == MediaType(type) && !isRefused
            }
        }
    }
}

/// A media type without its parameters, to compare with (RFC 9110 §8.3.1).
struct MediaType: Equatable {
    private let name: ExactText

    init(_ field: some StringProtocol) {
        let type = field.prefix { $0 != ";" }
        name = ExactText(String(type.filter { $0 != " " && $0 != "\t" }).asciiLowercased)
    }
}
