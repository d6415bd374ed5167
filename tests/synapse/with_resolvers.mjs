// Gives Node.js 20 the one thing that matrix-js-sdk takes from 22 (ECMAScript 2024 §27.2.4.9); must be imported before the library.
Promise.withResolvers ??= () => {
  const resolvers = {};
  resolvers.promise = new Promise((resolve, reject) => Object.assign(resolvers, { resolve, reject }));
  return resolvers;
};
